// Walks through the portal's pages in a browser, as people with and without scripts, small screens and dark rooms do.
//
// usage: node walk_portal.mjs BASE ADDRESS…
//
// Prints, as JSON, what is wrong: breaches of WCAG 2.2 AA by axe, pages wider than their screen, whatever the content security
// policy refused, hosts other than ours, links that lead nowhere; and the title that a reader without scripts ends at.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const LOOKS = [
  { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  { viewport: { width: 820, height: 1100 }, colorScheme: 'dark' },
  // Only its width differs from the first.
  { viewport: { width: 1440, height: 900 }, colorScheme: 'light', isLayoutAlone: true },
];

const [base, ...addresses] = process.argv.slice(2);
const wrong = [];

/** One page in one look. */
async function look(browser, address, { isLayoutAlone, ...options }) {
  const page = await browser.newPage(options);
  const where = `${address} ${options.viewport.width} ${options.colorScheme}`;
  page.on('console', (message) => message.type() === 'error' && wrong.push(`${where}: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`${where}: ${error}`));
  page.on('request', (request) => request.url().startsWith(base) || wrong.push(`${where}: asks ${request.url()}`));
  const answer = await page.goto(base + address);
  if (answer.status() !== 200) wrong.push(`${where}: ${answer.status()}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  if (wide) wrong.push(`${where}: wider than the screen`);
  if (!isLayoutAlone) {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
    for (const { id, nodes } of violations) wrong.push(`${where}: ${id}: ${nodes[0].html}`);
  }
  const links = await page.evaluate(() => [...document.querySelectorAll('a[href], link[href]')].map((link) => link.href));
  await page.close();
  return links;
}

/** From the first page to a dataset, by form and link, without scripts. */
async function read(browser) {
  const page = await browser.newPage({ javaScriptEnabled: false });
  await page.goto(`${base}/`);
  await page.fill('#q', '处罚');
  await page.click('form.search button');
  await page.click('.hits a');
  const title = await page.textContent('h1');
  await page.click('.language');
  const english = await page.textContent('main h2');
  await page.close();
  return [title, english];
}

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const links = new Set();
  for (const address of addresses) {
    for (const options of LOOKS) (await look(browser, address, options)).forEach((link) => links.add(link.split('#')[0]));
    const english = address + (address.includes('?') ? '&' : '?') + 'lang=en';
    await look(browser, english, LOOKS[0]);
  }
  for (const link of links) {
    if (!link.startsWith(base)) continue;
    const answer = await fetch(link, { method: 'HEAD' });
    if (!answer.ok) wrong.push(`${link}: ${answer.status}`);
  }
  const [title, english] = await read(browser);
  console.log(JSON.stringify({ wrong, title, english }));
} finally {
  await browser.close();
}
