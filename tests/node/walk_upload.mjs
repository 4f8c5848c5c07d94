// Walks through uploads of a data steward in a browser: a file that is checked beforehand, sent and shown with its quality, and a
// large material.
//
// usage: node walk_upload.mjs BASE PASSWORD ROWS OTHER WORKBOOK MATERIAL
//
// ROWS has two bad rows, OTHER a wrong header. Prints, as JSON, what is wrong, the bad cells as they are shown, and the SHA-256 that
// the material is received under.
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

import { onThreeScreens } from './screens.mjs';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');

const [base, password, rows, other, workbook, material] = process.argv.slice(2);
const wrong = [];
const check = (holds, what) => holds || wrong.push(what);

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && !/status of 422/.test(message.text()) && wrong.push(`${page.url()}: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`${page.url()}: ${error}`));
  page.on('request', (request) => request.url().startsWith(base) || wrong.push(`asks ${request.url()}`));
  await page.goto(`${base}/sign-in`);
  await page.fill('#name', 'editor');
  await page.fill('#secret', password);
  await page.click('main form button');

  const upload = `${base}/desk/datasets/301001-000001/upload`;
  await page.goto(upload);
  await page.waitForSelector('data-upload[data-ready]');
  await page.setInputFiles('#file', workbook);
  await page.waitForSelector('.sampled:not([hidden])');
  check((await page.textContent('.sampled')).includes('不能预先核验'), 'a workbook is said to have no preview');
  await page.setInputFiles('#file', other);
  await page.waitForSelector('.sampled .verdict.bad');
  const header = await page.textContent('.sampled');
  check(header.includes('缺少必填列：案号（case_no）') && header.includes('第 2 列“备注”不是信息项'), `the header: ${header}`);

  await page.setInputFiles('#file', rows);
  await page.waitForSelector('.sampled[data-bad="2"]', { timeout: 20_000 });
  const cells = await page.locator('.sampled td.wrong').allTextContents();
  check((await page.locator('.sampled tbody th').allTextContents()).slice(-2).join() === '42,43', 'lines are those of the file');
  await onThreeScreens(page, 'checked beforehand', wrong);
  await page.fill('#threshold', '0.001');
  await page.press('#threshold', 'Tab');
  await page.waitForFunction(() => document.querySelector('.sampled')?.textContent?.includes('会被退回'));
  await page.click('data-upload .actions button');
  await page.waitForSelector('data-upload .trouble');
  check(page.url() === upload && (await page.inputValue('#threshold')) === '0.001', 'what was typed stays');
  await page.fill('#threshold', '0.2');
  let followed = 0;
  page.on('request', (request) => { followed += request.url().includes('/data/progress?follow=') ? 1 : 0; });
  await page.click('data-upload .actions button');
  await page.waitForSelector('form[action*="/waiting"]', { timeout: 60_000 });
  check(page.url().includes('/waiting?number=1'), `the report has its own address: ${page.url()}`);
  check((await page.textContent('h1')).includes('质量报告') && (await page.locator('td.wrong').count()) === 2, 'the report shows the bad cells');
  check((await page.evaluate(() => document.activeElement?.tagName)) === 'H1', 'who reads by keys is where the report begins');
  check(followed > 0, 'the server is asked how far it is');
  await onThreeScreens(page, 'quality', wrong);
  await page.reload();
  check((await page.textContent('h1')).includes('质量报告'), 'the report is there again');

  await page.goto(upload);
  await page.waitForSelector('data-upload[data-ready]');
  await page.setInputFiles('#file', rows);
  await page.route('**/upload?*', () => undefined);
  await page.click('data-upload .actions button');
  await page.click('.task button');
  await page.waitForFunction(() => document.querySelector('data-upload')?.textContent?.includes('已取消'));
  check(await page.isEnabled('data-upload .actions button'), 'it can be sent again');

  await page.goto(`${base}/desk/datasets/301001-000002/materials`);
  await page.waitForSelector('data-materials[data-ready]');
  await onThreeScreens(page, 'materials', wrong);
  let chunks = 0;
  page.on('request', (request) => { chunks += request.method() === 'PATCH' ? 1 : 0; });
  await page.evaluate(() => {
    window.stored = [];
    const store = Storage.prototype.setItem;
    Storage.prototype.setItem = function (key, value) {
      window.stored.push(key, value);
      store.call(this, key, value);
    };
  });
  await page.setInputFiles('#file', material);
  await page.click('data-materials form .actions button');
  await page.waitForSelector('data-materials .done code', { timeout: 60_000 });
  const digest = await page.textContent('data-materials .done code');
  check(chunks > 1, `it comes in chunks: ${chunks}`);
  const [stored, left] = await page.evaluate(() => [window.stored.join(), Object.entries(localStorage).join()]);
  check(stored.includes('/materials/'), `what it goes on from is kept: ${stored}`);
  check(![stored, left].some((text) => text.includes(basename(material))), `the browser keeps no name: ${stored} ${left}`);
  console.log(JSON.stringify({ wrong, cells, digest }));
} finally {
  await browser.close();
}
