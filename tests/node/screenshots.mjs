// Shoots pages in three widths, both languages and both themes.
//
// usage: node screenshots.mjs BASE FOLDER [--people FILE] [ADDRESS…]
//
// `--people` takes the people of a demo city (`keys/demo/people.json`): then the desk of each is shot, too, and an address may be
// written NAME@ADDRESS, as that person sees it.
//
// Without addresses it shoots every type of page that anyone may see, with the first dataset that a search finds. Each picture is
// called NAME-WIDTH-LANGUAGE-THEME.png. Prints, as JSON, the names of the pictures, and the pages that did not answer.
import { createRequire } from 'node:module';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');

const WIDTHS = [360, 820, 1440];
const LANGUAGES = ['zh', 'en'];
const THEMES = ['light', 'dark'];
const PAGES = ['/', '/search', '/search?opening=open', '/search?q=nothing-of-that-name', '/topics', '/departments', '/statistics',
  '/standards', '/status', '/design', '/sign-in', '/password', '/ogc?f=html', '/ogc/collections?f=html', '/sql', '/gallery',
  '/ask/disclosure', '/ask/letter', '/ask/matter', '/developer', '/api', '/no-such-page'];

const [base, folder, ...rest] = process.argv.slice(2);
const people = rest[0] === '--people' ? JSON.parse(await readFile(rest[1], 'utf8')) : [];
const asked = people.length ? rest.slice(2) : rest;
const cookies = new Map();

/** The cookies of somebody who has signed in; nobody has none. */
async function cookiesOf(browser, name) {
  if (!name) return [];
  if (!cookies.has(name)) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${base}/sign-in`);
    await page.fill('#name', name);
    await page.fill('#secret', people.find((person) => person.id === name).password);
    await page.click('main form button');
    cookies.set(name, await context.cookies());
    await context.close();
  }
  return cookies.get(name);
}

/** The pages of everybody's desk. */
async function desks(browser) {
  const found = [];
  for (const { id } of people) {
    const context = await browser.newContext();
    await context.addCookies(await cookiesOf(browser, id));
    const page = await context.newPage();
    await page.goto(`${base}/desk`);
    const links = await page.evaluate(() => [...document.querySelectorAll('.sections a')].map((link) => link.pathname));
    found.push(...new Set(links.map((link) => `${id}@${link}`)));
    await context.close();
  }
  return found;
}

/** The name of a page's pictures. */
const nameOf = (address) => address.replace(/^\//, '').replace(/[^a-zA-Z0-9]+/g, '-').replace(/-$/, '') || 'home';

/** Pages of things that only this server has: a dataset, its department, what changed in it. */
async function found(browser) {
  const page = await browser.newPage({ javaScriptEnabled: false });
  const first = async (address, selector) => {
    await page.goto(base + address);
    return page.evaluate((wanted) => document.querySelector(wanted)?.getAttribute('href') ?? null, selector);
  };
  const dataset = await first('/search?opening=open', '.hits a');
  const department = await first('/departments', '.tiles a');
  await page.close();
  return [dataset, dataset && `${dataset}/changes`, department].filter(Boolean);
}

/** One page in one look. */
async function shoot(browser, wanted, width, language, theme) {
  const [name, address] = wanted.includes('@') ? wanted.split('@') : ['', wanted];
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme });
  await context.addCookies(await cookiesOf(browser, name));
  const page = await context.newPage();
  const english = language === 'en' ? `${address.includes('?') ? '&' : '?'}lang=en` : '';
  const answer = await page.goto(base + address + english, { waitUntil: 'networkidle' });
  const path = join(folder, `${name && `${name}-`}${nameOf(address)}-${width}-${language}-${theme}.png`);
  await page.screenshot({ path, fullPage: true });
  await context.close();
  return { path, status: answer.status() };
}

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  await mkdir(folder, { recursive: true });
  const pictures = [];
  const missing = [];
  for (const address of asked.length ? asked : [...PAGES, ...(await found(browser)), ...(await desks(browser))]) {
    for (const width of WIDTHS) for (const language of LANGUAGES) for (const theme of THEMES) {
      const { path, status } = await shoot(browser, address, width, language, theme);
      pictures.push(path);
      if (status !== 200 && address !== '/no-such-page') missing.push(`${address}: ${status}`);
    }
  }
  console.log(JSON.stringify({ pictures, missing: [...new Set(missing)] }));
} finally {
  await browser.close();
}
