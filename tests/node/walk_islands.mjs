// Uses what scripts add to the portal's pages: the grid, charts, maps and instant search; and the same pages without scripts.
//
// usage: node walk_islands.mjs BASE CODE
//
// Prints, as JSON, what was seen, and in `wrong` errors of the console, which are refusals of the content security policy too,
// other hosts, breaches of WCAG 2.2 AA by axe, texts of departments that ran, and pages wider than their screen.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const [base, code] = process.argv.slice(2);
const wrong = [];
const seen = { wrong };

async function open(browser, address, options = {}) {
  const page = await browser.newPage(options);
  page.on('console', (message) => message.type() === 'error' && wrong.push(`${address}: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`${address}: ${error.message}`));
  page.on('dialog', (dialog) => { wrong.push(`${address}: a dialog`); void dialog.dismiss(); });
  page.on('request', (request) => /^(data|blob):/.test(request.url()) || request.url().startsWith(base) || wrong.push(`${address}: asks ${request.url()}`));
  await page.goto(base + address);
  return page;
}

async function close(page, where) {
  const { title, wide } = await page.evaluate(() => ({
    title: document.title, wide: document.documentElement.scrollWidth > window.innerWidth,
  }));
  if (/^[12]/.test(title)) wrong.push(`${where}: a text of a department ran`);
  if (wide) wrong.push(`${where}: wider than the screen`);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
  for (const { id, nodes } of violations) wrong.push(`${where}: ${id}: ${nodes[0].html}`);
  await page.close();
}

const numberOf = (page, selector, name) => page.$eval(selector, (found, name) => Number(found.dataset[name]), name);
const waitFor = (page, selector, name, value) => page.waitForFunction(
  ([selector, name, value]) => {
    const found = document.querySelector(selector)?.dataset[name];
    return value === undefined ? found !== undefined : Number(found) === value;
  }, [selector, name, value],
);

/** The page of a dataset: its grid, its map, its charts. */
async function dataset(browser, options) {
  const page = await open(browser, `/datasets/${code}`, options);
  await page.locator('data-grid').scrollIntoViewIfNeeded();
  await waitFor(page, 'data-grid', 'rows');
  const rows = { first: await numberOf(page, 'data-grid', 'rows'), total: await numberOf(page, 'data-grid', 'total') };
  // The first rows have the hostile texts.
  if (!(await page.textContent('.grid')).includes('onerror')) wrong.push('no hostile text is in the grid');
  if (await page.$('.grid img, .grid script')) wrong.push('a cell reads texts as HTML');
  await page.$eval('.tabulator-tableholder', (rows) => { rows.scrollTop = rows.scrollHeight; });
  await waitFor(page, 'data-grid', 'rows', 200);
  seen.rows = { ...rows, scrolled: await numberOf(page, 'data-grid', 'rows') };
  const head = page.locator('.tabulator-col[tabulator-field="case_no"]');
  for (const direction of ['ascending', 'descending']) {
    await head.focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector(`.tabulator-col[tabulator-field="case_no"][aria-sort="${direction}"]`);
  }
  await page.waitForFunction(() => document.querySelector('.tabulator-row .tabulator-cell')?.textContent === 'A249');
  seen.greatest = await page.textContent('.tabulator-row .tabulator-cell[tabulator-field="case_no"]');
  await page.click('data-grid summary');
  await page.fill('data-grid input[name="amount"]', '>=200');
  await page.press('data-grid input[name="amount"]', 'Enter');
  await waitFor(page, 'data-grid', 'total', 50);
  seen.filtered = await numberOf(page, 'data-grid', 'total');

  await page.locator('data-map').scrollIntoViewIfNeeded();
  await waitFor(page, 'data-map', 'features');
  seen.features = await numberOf(page, 'data-map', 'features');
  // The first places have the hostile texts; a popup opens in the middle of where a place is.
  const box = await page.locator('data-map .map').boundingBox();
  for (let x = 0; x < box.width && !(await page.$('.leaflet-popup')); x += 6) {
    await page.mouse.click(box.x + x, box.y + box.height / 2);
  }
  if (!(await page.$('.leaflet-popup dt'))) wrong.push('no place of the map tells of itself');
  if (await page.$('.leaflet-popup img, .leaflet-popup script')) wrong.push('a popup reads texts as HTML');

  await places(page);

  for (const profile of await page.$$('data-profile')) {
    await profile.scrollIntoViewIfNeeded();
    await profile.waitForSelector('data-chart canvas, p[role="status"]', { state: 'attached' });
  }
  seen.months = await numberOf(page, 'data-profile[href*="decided_on"] data-chart', 'bars');
  // Divisions are called by the names that their outlines have.
  const name = await page.waitForSelector('data-profile[href*="x=county"] tbody th .quiet', { state: 'attached' });
  seen.named = await name.textContent();
  const failed = await page.$$eval('data-profile > p', (failed) => failed.map((one) => one.textContent));
  wrong.push(...failed);
  await close(page, `dataset ${options.viewport.width}`);
}

/** The places of the map by keys alone. */
async function places(page) {
  const chosen = () => page.evaluate(() => {
    const list = document.querySelector('.places-list');
    const option = document.getElementById(list.getAttribute('aria-activedescendant'));
    return { name: option?.textContent ?? '', selected: list.querySelectorAll('[aria-selected="true"]').length, marked: document.querySelector('data-map').dataset.marked };
  });
  const inPopup = () => page.evaluate(() => Boolean(document.activeElement.closest('.leaflet-popup')));
  await page.keyboard.press('Escape');
  await page.waitForSelector('.leaflet-popup', { state: 'detached' });
  const list = page.locator('.places-list');
  // The next stop behind the map's link is reached from the map by Tab.
  await page.locator('data-map .map').focus();
  for (let step = 0; step < 8 && !(await list.evaluate((one) => one === document.activeElement)); step += 1) await page.keyboard.press('Tab');
  if (!(await list.evaluate((one) => one === document.activeElement))) wrong.push('Tab does not lead from the map to its places');
  const first = await chosen();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  const third = await chosen();
  if (!first.name || first.name === third.name && first.marked === third.marked) wrong.push(`arrows move nothing: ${JSON.stringify([first, third])}`);
  if (third.selected !== 1) wrong.push(`${third.selected} places are selected`);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.leaflet-popup dt');
  await page.waitForTimeout(400);
  if (!(await inPopup())) wrong.push('Enter does not lead into the place');
  if (await page.getAttribute('.leaflet-popup', 'role') !== 'dialog') wrong.push('a popup is told to nobody');
  await page.keyboard.press('Escape');
  await page.waitForSelector('.leaflet-popup', { state: 'detached' });
  if (!(await list.evaluate((one) => one === document.activeElement))) wrong.push('Escape does not lead back to the places');
  await page.keyboard.press('End');
  const last = await chosen();
  await page.keyboard.press('Home');
  if (last.marked === (await chosen()).marked) wrong.push('End and Home are the same place');
  seen.places = await list.locator('[role="option"]').count();
}

/** The builder: what is chosen is drawn, and stands in the address. */
async function build(browser) {
  const page = await open(browser, `/datasets/${code}/chart?x=county`);
  await page.locator('data-choropleth').scrollIntoViewIfNeeded();
  await waitFor(page, 'data-choropleth', 'areas');
  seen.areas = await numberOf(page, 'data-choropleth', 'areas');
  await page.selectOption('#y', 'amount');
  await page.selectOption('#how', 'sum');
  await page.waitForFunction(() => document.querySelector('#chart caption')?.textContent.includes('合计'));
  await page.waitForSelector('#chart data-chart canvas');
  const rows = await page.$$eval('#chart tbody tr', (rows) => rows.map((row) => [...row.cells].map((cell) => cell.firstChild.textContent.trim())));
  seen.built = rows.sort();
  if (!page.url().includes('how=sum') || !page.url().includes('y=amount')) wrong.push(`not in the address: ${page.url()}`);
  await close(page, 'builder');
}

/** Results while typing. */
async function search(browser) {
  const page = await open(browser, '/search');
  const hits = () => page.$$eval('.hits > li', (hits) => hits.length);
  await page.fill('#q', '登记');
  await page.waitForFunction(() => document.querySelectorAll('.hits > li').length === 1);
  const typed = await hits();
  if (!new URL(page.url()).searchParams.get('q')) wrong.push('what is typed is not in the address');
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll('.hits > li').length !== 1);
  seen.found = [typed, await hits()];
  // A facet is put in place without another page, stands in the address, and can be taken away.
  await page.evaluate(() => { window.isSamePage = true; });
  await page.click('#filters details:nth-of-type(1) a');
  await page.waitForSelector('#results .chips a');
  if (!(await page.evaluate(() => window.isSamePage))) wrong.push('a facet loads another page');
  if (!new URL(page.url()).searchParams.get('opening')) wrong.push(`the facet is not in the address: ${page.url()}`);
  if (await page.locator('form.search input[name="opening"]').count() !== 1) wrong.push('the form forgets the facet');
  await page.click('#results .chips a');
  await page.waitForSelector('#results .chips', { state: 'detached' });
  if (new URL(page.url()).search !== '') wrong.push(`what is taken away stays: ${page.url()}`);
  await page.goBack();
  await page.waitForSelector('#results .chips a');
  await close(page, 'search');
}

/** The same without scripts. */
async function plain(browser) {
  const page = await browser.newPage({ javaScriptEnabled: false });
  await page.goto(`${base}/datasets/${code}`);
  const first = await page.locator('data-grid table tbody tr').count();
  await page.click('data-grid .without > p a');
  const rows = await page.locator('table.rows tbody tr').count();
  await page.click('a[rel="next"]');
  const next = await page.textContent('table.rows tbody td');
  await page.goto(`${base}/datasets/${code}/chart`);
  await page.selectOption('#x', 'county');
  await page.click('chart-builder button');
  seen.plain = { first, rows, next, bars: await page.locator('svg.bar').count() };
  await page.close();
}

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  await dataset(browser, { viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
  await dataset(browser, { viewport: { width: 360, height: 740 }, colorScheme: 'dark', reducedMotion: 'reduce' });
  await build(browser);
  await search(browser);
  await plain(browser);
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
}
