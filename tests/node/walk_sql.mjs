// Asks by SQL in a browser: without scripts and with them, signed in and not, on small screens and in dark rooms.
//
// usage: node walk_sql.mjs BASE NAME PASSWORD
//
// Prints, as JSON, what is wrong: breaches of WCAG 2.2 AA by axe, pages wider than their screen, whatever the content security
// policy refused, hosts other than ours; and what was seen on the way.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const LOOKS = [
  { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  { viewport: { width: 820, height: 1100 }, colorScheme: 'dark' },
  { viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
];
const QUERY = 'select case_no, county, amount from scjg.penalty order by case_no';
const HOSTILE = `select '<img src=x onerror=alert(1)>' as "<b>", repeat('长', 10000) as "${'w'.repeat(60)}", 1.5 as n`;

const [base, name, password] = process.argv.slice(2);
const wrong = [];
const seen = {};

/** A page that tells what it should not do. `expected` are answers that are refusals on purpose. */
async function open(browser, options, where, expected = []) {
  const page = await browser.newPage(options);
  const isExpected = (text) => expected.some((status) => text.includes(`status of ${status}`));
  page.on('console', (message) => message.type() === 'error' && !isExpected(message.text()) && wrong.push(`${where}: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`${where}: ${error.message}`));
  page.on('dialog', (dialog) => (wrong.push(`${where}: a script ran`), dialog.dismiss()));
  page.on('request', (request) => request.url().startsWith(base) || request.url().startsWith('blob:') || request.url().startsWith('data:') || wrong.push(`${where}: asks ${request.url()}`));
  return page;
}

async function check(page, where) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  if (wide) wrong.push(`${where}: wider than the screen`);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
  for (const { id, nodes } of violations) wrong.push(`${where}: ${id}: ${nodes[0].html}`);
}

/** The form as it is. */
async function withoutScripts(browser) {
  const page = await browser.newPage({ javaScriptEnabled: false });
  await page.goto(`${base}/sql`);
  await page.fill('#sql', QUERY);
  await page.click('form.query button:not([name])');
  seen.plain = (await page.locator('#rows tbody tr').allInnerTexts()).map((row) => row.split('\t').slice(0, 2));
  await page.fill('#sql', 'select nonsense');
  await page.click('form.query button:not([name])');
  if ((await page.inputValue('#sql')) !== 'select nonsense') wrong.push('what was typed is lost');
  if ((await page.locator('.trouble').count()) !== 1) wrong.push('nothing is said of what is wrong');
  await page.fill('#sql', QUERY);
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('button[value="csv"]')]);
  if (file.suggestedFilename() !== 'query.csv') wrong.push(`the file is called ${file.suggestedFilename()}`);
  await page.close();
}

const type = async (page, text) => {
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
};

const run = async (page, text) => {
  await type(page, text);
  await Promise.all([page.waitForResponse((answer) => answer.url().includes('/sql') && answer.request().method() === 'POST'), page.keyboard.press('Control+Enter')]);
  await page.waitForSelector('#answer[aria-busy="false"]');
};

async function withScripts(browser, options) {
  const where = `/sql ${options.viewport.width} ${options.colorScheme}`;
  const page = await open(browser, options, where, [400]);
  await page.goto(`${base}/sql`);
  seen.island = (await page.locator('script[src="/assets/sql.js"]').count()) === 1;
  await check(page, where);
  if (seen.island) {
    await page.waitForSelector('sql-desk.ready[data-tables]');
    await run(page, QUERY);
    seen.rows = await page.locator('#rows tbody tr').count();
    await check(page, `${where} rows`);
    await page.click('#rows thead th:first-child button');
    await page.click('#rows thead th:first-child button');
    if ((await page.locator('#rows tbody td').first().innerText()) !== 'A3') wrong.push(`${where}: rows are not in order`);
    await page.click('button[data-view="chart"]');
    await page.waitForSelector('data-chart[data-bars]');
    await check(page, `${where} chart`);
    await run(page, HOSTILE);
    await check(page, `${where} hostile`);
    await run(page, 'select nonsense');
    if ((await page.locator('#rows .trouble').count()) !== 1) wrong.push(`${where}: nothing is said of what is wrong`);
    await type(page, 'select * from scjg.pen');
    await page.keyboard.press('Control+Space');
    seen.completion = await page.waitForSelector('.cm-tooltip-autocomplete >> text=penalty', { timeout: 5000 }).then(() => true, () => false);
    seen.remembered = (await page.locator('.remembered li').count()) > 0;
  }
  await page.close();
}

/** A text travels behind the `#`, which no server sees. */
async function shared(browser) {
  const page = await open(browser, LOOKS[2], 'shared');
  page.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    if (/select|\b42\b/.test(decodeURIComponent(pathname + search))) wrong.push(`an address with the text: ${request.url()}`);
  });
  await page.goto(`${base}/sql#q=${encodeURIComponent('select 42 as answer')}`);
  if (seen.island) {
    await page.waitForSelector('sql-desk.ready');
    seen.shared = await page.locator('.cm-line').first().innerText();
    if ((await page.locator('#rows table').count()) > 0) wrong.push('what was shared ran by itself');
  }
  await page.close();
}

async function signedIn(browser) {
  const page = await open(browser, LOOKS[2], 'signed in');
  await page.goto(`${base}/sign-in?next=/sql`);
  await page.fill('[name="name"]', name);
  await page.fill('[name="password"]', password);
  await page.click('main form button');
  await page.waitForURL('**/sql');
  if (seen.island) {
    await page.waitForSelector('sql-desk.ready');
    await run(page, QUERY);
    await type(page, 'select county, count(*) from scjg.penalty group by 1');
  }
  await page.fill('#name', '每县处罚');
  await page.click('button[value="save"]');
  await page.waitForURL('**/sql?saved=*');
  seen.saved = (await page.locator('.saved a').first().innerText()).trim();
  await page.click('a[href*="history=1"]');
  await page.waitForSelector('#history');
  seen.history = !seen.island || (await page.locator('#history ~ .scroll tbody tr').count()) > 0;
  await check(page, 'signed in');
  await page.close();
}

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  await withoutScripts(browser);
  for (const options of LOOKS) await withScripts(browser, options);
  await shared(browser);
  await signedIn(browser);
  console.log(JSON.stringify({ wrong, ...seen }));
} finally {
  await browser.close();
}
