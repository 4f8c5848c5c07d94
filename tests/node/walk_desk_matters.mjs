// Walks an application over the desks of four people, with scripts and without, and looks at every page on the way.
//
// usage: node walk_desk_matters.mjs BASE PASSWORD
//
// Prints, as JSON, what is wrong (breaches of WCAG 2.2 AA, pages wider than their screen, refusals by the content security
// policy, hosts other than ours), and the state at which the provider's part ends on each way.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const [base, password] = process.argv.slice(2);
const wrong = [];

/** Somebody's page, signed in by the form. */
async function as(browser, name, javaScriptEnabled) {
  const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 820, height: 1100 } });
  const page = await context.newPage();
  // A form that is refused is answered by 400, which browsers tell there.
  const isRefusal = (message) => message.text().includes('400 (Bad Request)');
  page.on('console', (message) => message.type() === 'error' && !isRefusal(message) && wrong.push(`${name} ${page.url()}: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`${name} ${page.url()}: ${error}`));
  page.on('request', (request) => request.url().startsWith(base) || wrong.push(`${name} asks ${request.url()}`));
  await page.goto(`${base}/sign-in`);
  await page.fill('#name', name);
  await page.fill('#secret', password);
  await page.click('main form button');
  return page;
}

/** Looks at one address at three widths, in light and dark, in both languages. */
async function look(page, address) {
  for (const [width, colorScheme, language] of [[360, 'light', ''], [820, 'dark', ''], [1440, 'light', 'en']]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    const asked = language ? `${address}${address.includes('?') ? '&' : '?'}lang=en` : address;
    const answer = await page.goto(base + asked);
    if (answer.status() !== 200) wrong.push(`${asked}: ${answer.status()}`);
    await check(page, `${asked} ${width}`);
  }
  await page.setViewportSize({ width: 820, height: 1100 });
}

/** The page as it stands. */
async function check(page, where) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  if (wide) wrong.push(`${where}: wider than the screen`);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
  for (const { id, nodes } of violations) wrong.push(`${where}: ${id}: ${nodes[0].html}`);
}

/** From the directory to a grant. */
async function walk(browser, scripts) {
  const analyst = await as(browser, 'analyst', scripts);
  await analyst.goto(`${base}/desk/matters/new?kind=application`);
  await analyst.fill('#q', '处罚');
  await analyst.click('button[value="search"]');
  await analyst.click('button[value^="add "]');
  for (const item of ['case_no', 'county', 'person']) await analyst.check(`#\\30 -item-${item}`);
  await analyst.fill('#purpose', scripts ? '办案' : '无脚本办案');
  await analyst.fill('#legal_basis', '人民警察法 第六条');
  await analyst.fill('#valid_until', '2098-06-30');
  await analyst.click('button[value="submit"]');
  const whole = new URL(analyst.url()).pathname;

  const officer = await as(browser, 'officer', scripts);
  await officer.goto(base + whole);
  await officer.click('details:has(input[value="ask_completion"]) > summary');
  await officer.fill('#ask_completion-reason', '请写明期限');
  await officer.click('details[open] form:has(input[value="ask_completion"]) button');
  await analyst.goto(`${base}${whole}/amend`);
  if (scripts) await check(analyst, 'amend');
  await analyst.fill('#valid_until', '2098-06-29');
  await analyst.click('button[value="submit"]');
  await officer.goto(base + whole);
  await officer.click('details:has(input[value="accept"]) > summary');
  await officer.click('details[open] form:has(input[value="accept"]) button');
  await analyst.goto(base + whole);
  const part = await analyst.getAttribute('a[href*="/desk/matters/TG-"]', 'href');

  const first = await as(browser, 'first', scripts);
  await first.goto(`${base}/desk/matters`);
  await first.click(`a[href="${part}"]`);
  await first.click('a[href$="/grant"]');
  await first.selectOption('#\\30 -mask-person', 'keep_first');
  await first.fill('#\\30 -with-person', '1');
  await first.click('button[value="preview"]');
  if (!(await first.textContent('#preview')).includes('示例值')) wrong.push('no preview');
  if (scripts) await check(first, 'preview');
  await first.fill('#reason', '姓名只留一字');
  await first.fill('#legal_basis', '个人信息保护法 第六条');
  await first.click('button[value="propose"]');

  const second = await as(browser, 'second', scripts);
  await second.goto(`${base}${part}/grant`);
  // What was built is what the second person sees, begins with, and agrees to.
  const scope = await second.textContent('#proposal');
  if (!scope.includes('只留前 1 位') || !scope.includes('有改动')) wrong.push(`the scope did not come along: ${scope}`);
  if (await second.locator('button[value="grant"]').count()) wrong.push('more than was proposed is offered');
  if ((await second.inputValue('#reason')) !== '姓名只留一字') wrong.push('the words did not come along');
  if (scripts) await check(second, 'proposal');
  await second.click('button[value="preview"]');
  const preview = await second.textContent('#preview');
  if (!preview.includes('真实数据') || preview.includes('张三')) wrong.push('the preview is not of what was proposed');
  await second.click('button[value="grant_proposed"]');
  const state = (await second.textContent('.lead')).split('·')[1].trim();
  return { state, whole, part, analyst, officer, first, second };
}

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const plain = await walk(browser, false);
  // One purpose has one grant; the other way is walked under another.
  const lively = await walk(browser, true);
  const { whole, part, analyst, officer, first, second } = lively;
  for (const address of ['/desk', '/desk/matters?side=all', '/desk/matters/new', '/desk/matters/new?kind=objection', '/desk/matters/new?kind=demand', '/desk/matters/new?resource=301001-000001', '/desk/tickets', '/desk/why', '/desk/grants', whole, `${whole}/notices/1`]) await look(analyst, address);
  for (const address of ['/desk', '/desk/matters?side=all', whole, '/desk/matters/new', '/desk/matters/new?kind=emergency_grant&resource=301001-000001', '/desk/matters/new?kind=grant_import', '/desk/matters/new?kind=opening_item']) await look(officer, address);
  for (const address of ['/desk', part, '/desk/grants']) await look(second, address);
  for (const address of ['/desk/matters?side=handling&settled=true', '/desk/trace', part]) await look(first, address);
  await first.goto(`${base}/desk/trace`);
  await first.fill('#subject', '360481199001011234');
  await first.fill('#matter', 'LX-2026-000001');
  await first.fill('#resource', '301001/000001');
  await first.click('form.form .actions button');
  if ((await first.locator('#found').count()) !== 1) wrong.push('nobody is told who saw a record');
  await check(first, 'trace');
  console.log(JSON.stringify({ wrong, states: [plain.state, lively.state] }));
} finally {
  await browser.close();
}
