// Shoots the pictures of the README's tour through the portal, from a running demo city.
//
// usage: node tour.mjs BASE PEOPLE FOLDER
//
// PEOPLE is `keys/demo/people.json` of the demo's folder. An analyst asks by SQL and applies for more, the provider's clerk looks at
// what the applicant would see, an auditor at the proof. Prints the names of the pictures.
import { createRequire } from 'node:module';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');

const [base, file, folder] = process.argv.slice(2);
const people = JSON.parse(await readFile(file, 'utf8'));
const pictures = [];

/** Somebody's browser; nobody has not signed in. */
async function browse(browser, name) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: 'light' });
  const page = await context.newPage();
  if (name) {
    await page.goto(`${base}/sign-in`);
    await page.fill('#name', name);
    await page.fill('#secret', people.find((person) => person.id === name).password);
    await page.click('main form button');
    // What comes next is asked as this person, and not before the answer has said so.
    await page.waitForURL((address) => address.pathname !== '/sign-in');
    await page.locator('.masthead .visitor[href^="/desk"]').waitFor();
  }
  return page;
}

async function shoot(page, name) {
  await page.waitForLoadState('networkidle');
  await page.screenshot({ path: join(folder, `${name}.png`) });
  pictures.push(`${name}.png`);
}

async function citizen(browser) {
  const page = await browse(browser);
  await page.goto(`${base}/`);
  await shoot(page, 'home');
  await page.goto(`${base}/datasets/309001-000001`);
  // It is drawn when it comes near.
  await page.locator('data-map').first().evaluate((map) => map.scrollIntoView({ block: 'end' }));
  await page.locator('data-map canvas, data-map svg').first().waitFor();
  await shoot(page, 'dataset');
}

async function analyst(browser) {
  const page = await browse(browser, 'wumin');
  const query = new URLSearchParams({ kind: 'application', resource: '101001-000001' });
  await page.goto(`${base}/desk/matters/new?${query}`);
  for (const item of ['name', 'sex', 'birth_date', 'county_code']) await page.check(`input[value="${item}"]`);
  await page.evaluate(() => window.scrollTo(0, 300));
  await shoot(page, 'apply');
}

async function auditor(browser) {
  const page = await browse(browser, 'zhengnan');
  // Somebody's look at data.
  await page.goto(`${base}/desk/evidence?action=access`);
  await page.locator('main table a').first().click();
  await page.waitForLoadState('networkidle');
  await shoot(page, 'proof');
}

async function officer(browser) {
  const page = await browse(browser, 'sunmin');
  await page.goto(`${base}/desk/assessment`);
  await shoot(page, 'assessment');
}

async function asking(browser) {
  const page = await browse(browser, 'wumin');
  // Names of representatives are cut to one character for this department: its grant says so.
  const sql = [
    'select e.county_code, e.name, e.representative_name, p.kind, p.amount',
    'from scjg.legal_entities e join xygl.penalties p on e.credit_code = p.credit_code',
    'order by p.amount desc nulls last, p.decision_number limit 12',
  ].join('\n');
  await page.goto(`${base}/sql#q=${encodeURIComponent(sql)}`);
  await page.locator('sql-desk.ready').waitFor();
  await page.fill('#purpose', '社会救助核对');
  await page.locator('#query button:not([name])').first().click();
  await page.locator('#rows table').waitFor();
  await page.locator('summary', { hasText: '法人单位基础信息' }).first().click();
  await page.evaluate(() => window.scrollTo(0, 150));
  await shoot(page, 'sql');
}

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  await mkdir(folder, { recursive: true });
  for (const part of [citizen, asking, analyst, officer, auditor]) {
    await part(browser).catch((error) => console.error(`${part.name}: ${String(error).slice(0, 400)}`));
  }
  console.log(JSON.stringify(pictures));
} finally {
  await browser.close();
}
