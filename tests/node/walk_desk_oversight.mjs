// Walks through the desk of evidence, supervision and people in a browser, with and without scripts.
//
// usage: node walk_desk_oversight.mjs BASE PASSWORD RECEIPT
//
// The people `auditor`, `security`, `system` and `officer` have that password. Prints, as JSON, what is wrong (see
// walk_portal.mjs), what the page says of the receipt as it is and tampered with on its way, and how far forms come.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const LOOKS = [
  { width: 360, height: 740, colorScheme: 'light' },
  { width: 820, height: 1100, colorScheme: 'dark' },
  { width: 1440, height: 900, colorScheme: 'light', isLayoutAlone: true },
];
const [base, password, receipt] = process.argv.slice(2);
const PAGES = {
  auditor: ['/desk', '/desk/evidence', `/desk/evidence/${receipt}`, '/desk/access-log', '/desk/supervision', '/desk/assessment', '/desk/assessment/records?department=scjg&indicator=mounted', '/desk/account'],
  security: ['/desk/people', '/desk/people/auditor', '/desk/substitutions', '/desk/keys', '/desk/contacts'],
  system: ['/desk/departments', '/desk/departments/scjg', '/desk/maintenance', '/status'],
  officer: ['/desk/successions', '/desk/reports'],
};
const wrong = [];

/** Somebody at a browser, signed in by the form. */
async function seated(browser, name, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on('pageerror', (error) => wrong.push(`${name} ${page.url()}: ${error}`));
  await page.goto(`${base}/sign-in?next=/desk`);
  await page.fill('#name', name);
  await page.fill('#secret', password);
  await page.click('main form button');
  await page.waitForURL('**/desk');
  return { context, page };
}

/** One page in all looks and both languages. */
async function look(page, address) {
  for (const { colorScheme, isLayoutAlone, ...size } of LOOKS) {
    const where = `${address} ${size.width} ${colorScheme}`;
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    const english = size.width === 820 ? (address.includes('?') ? '&lang=en' : '?lang=en') : '';
    const answer = await page.goto(base + address + english);
    if (answer.status() !== 200) wrong.push(`${where}: ${answer.status()}`);
    if (address.includes(receipt)) await page.waitForSelector('data-proof[data-state]');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    if (wide) wrong.push(`${where}: wider than the screen`);
    if (isLayoutAlone) continue;
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
    for (const { id, nodes } of violations) wrong.push(`${where}: ${id}: ${nodes[0].html}`);
  }
}

/** What the page says of the receipt, after something has changed it on its way. */
async function verdict(page, change) {
  await page.unroute('**/receipts/*');
  if (change !== undefined) {
    await page.route('**/receipts/*', async (route) => {
      const answer = await route.fetch();
      const document = await answer.json();
      change(document);
      await route.fulfill({ response: answer, json: document });
    });
  }
  await page.goto(`${base}/desk/evidence/${receipt}`);
  await page.waitForSelector('data-proof[data-state]', { timeout: 15000 });
  return page.getAttribute('data-proof', 'data-state');
}

const flipped = (text) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  for (const [name, addresses] of Object.entries(PAGES)) {
    const { context, page } = await seated(browser, name);
    page.on('console', (message) => message.type() === 'error' && wrong.push(`${page.url()}: ${message.text()}`));
    page.on('request', (request) => request.url().startsWith(base) || wrong.push(`asks ${request.url()}`));
    for (const address of addresses) await look(page, address);
    await context.close();
  }

  const { context, page } = await seated(browser, 'auditor');
  const genuine = await verdict(page);
  const tampered = {
    record: await verdict(page, (document) => { document.records[0].actor.purpose = '别的用途'; }),
    path: await verdict(page, (document) => { document.proofs[0].path[0] = flipped(document.proofs[0].path[0] ?? ''); }),
    checkpoint: await verdict(page, (document) => {
      const lines = document.checkpoint.split('\n');
      lines[2] = flipped(lines[2]);
      document.checkpoint = lines.join('\n');
    }),
    signature: await verdict(page, (document) => {
      const [header, , signature] = document.signature.split('.');
      document.signature = `${header}..${flipped(signature)}`;
    }),
  };
  await context.close();

  const plain = await seated(browser, 'auditor', { javaScriptEnabled: false });
  await plain.page.goto(`${base}/desk/evidence`);
  await plain.page.fill('#receipt', receipt);
  await plain.page.click('form.search button');
  const text = await plain.page.content();
  const without_scripts = text.includes('与签名的根一致') && text.includes('shuqiao verify receipt.json --keys jwks.json');
  await plain.context.close();

  const people = await seated(browser, 'security', { javaScriptEnabled: false });
  await people.page.goto(`${base}/desk/people`);
  await people.page.fill('#id', 'auditor');
  await people.page.fill('#name', '第二个吴');
  await people.page.click('form.form button');
  const kept = await people.page.inputValue('#name');
  await people.page.fill('#id', 'wu');
  await people.page.check('#role-analyst');
  await people.page.selectOption('#department', 'scjg');
  await people.page.click('form.form button');
  await people.page.waitForURL('**/desk/people/wu');
  await people.page.click('#work form button.second');
  const code = await people.page.textContent('code.code');
  await people.context.close();

  console.log(JSON.stringify({ wrong, genuine, tampered, without_scripts, kept, code }));
} finally {
  await browser.close();
}
