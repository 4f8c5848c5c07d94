// Somebody types into a form of the desk, their session ends meanwhile, they send it, sign in again, and find it as they typed it:
// with scripts and without.
//
// usage: node walk_unsent.mjs BASE PASSWORD
//
// Prints, as JSON, what is wrong (breaches of WCAG 2.2 AA, pages wider than their screen, refusals by the content security
// policy, hosts other than ours), and what stands in the form in the end.
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { onThreeScreens } from './screens.mjs';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');

const [base, password] = process.argv.slice(2);
const wrong = [];

async function signIn(page) {
  await page.fill('#name', 'writer');
  await page.fill('#secret', password);
  await page.click('main form button');
}

async function walk(browser, javaScriptEnabled) {
  const context = await browser.newContext({ javaScriptEnabled });
  const page = await context.newPage();
  // A session that is over is answered by 401, which browsers tell there.
  const isRefusal = (message) => message.text().includes('401 (Unauthorized)');
  page.on('console', (message) => message.type() === 'error' && !isRefusal(message) && wrong.push(`${page.url()}: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`${page.url()}: ${error}`));
  page.on('request', (request) => request.url().startsWith(base) || wrong.push(`asks ${request.url()}`));
  await page.goto(`${base}/sign-in`);
  await signIn(page);
  await page.goto(`${base}/desk/substitutions`);
  await page.fill('#person', 'other');
  await page.fill('#until', '2031-01-31');
  await page.fill('#reason', '请假期间由他人代办');
  // The session ends, and the browser still sends its cookie.
  const session = (await context.cookies()).find((cookie) => cookie.name === 'shuqiao');
  await context.addCookies([{ ...session, value: 'over' }]);
  await page.click('form.form button');
  // Without scripts nothing looks at the page from within.
  if (javaScriptEnabled) await onThreeScreens(page, 'signing in again', wrong);
  if (!(await page.textContent('h1')).includes('请重新登录')) wrong.push('nobody is asked to sign in');
  await signIn(page);
  if (javaScriptEnabled) await onThreeScreens(page, 'the form again', wrong);
  if (!page.url().endsWith('/desk/substitutions')) wrong.push(`it ends at ${page.url()}`);
  const typed = [await page.inputValue('#person'), await page.inputValue('#until')];
  if (typed.join() !== 'other,2031-01-31') wrong.push(`other fields have ${typed}`);
  const reason = await page.inputValue('#reason');
  await context.close();
  return reason;
}

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const typed = [await walk(browser, true), await walk(browser, false)];
await browser.close();
console.log(JSON.stringify({ wrong, typed }));
