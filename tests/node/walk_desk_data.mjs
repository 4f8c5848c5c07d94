// Walks through the desk of directory, data and openings in a browser: a clerk and a reviewer, without scripts and with them.
//
// usage: node walk_desk_data.mjs BASE PASSWORD ROWS (CODE SHEET EXTENSION){2}
//
// Each SHEET has one bad cell, a data type that there is not; ROWS two bad rows. The first is walked through without scripts.
// Prints, as JSON, what is wrong: breaches of WCAG 2.2 AA by axe, pages wider than their screen, what the console says; and the
// state in which each secrecy review ends.
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { onThreeScreens } from './screens.mjs';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');

const [base, password, rows, ...files] = process.argv.slice(2);
const wrong = [];

/** A person at their own browser. */
async function person(browser, name, javaScriptEnabled) {
  const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && !/status of (400|422)/.test(message.text()) && wrong.push(`${page.url()}: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`${page.url()}: ${error}`));
  page.on('request', (request) => request.url().startsWith(base) || wrong.push(`asks ${request.url()}`));
  await page.goto(`${base}/sign-in`);
  await page.fill('#name', name);
  await page.fill('#secret', password);
  await page.click('main form button');
  return page;
}

/** The page as it is now. */
async function look(page, hasScripts) {
  if (hasScripts) await onThreeScreens(page, page.url(), wrong);
}

async function step(page, code, name) {
  await page.goto(`${base}/desk/directory/${code}`);
  await page.click(`button[name="step"][value="${name}"]`);
}

/** From the sheet to what is open. */
async function walk(browser, [code, sheet, extension], hasScripts) {
  const editor = await person(browser, 'editor', hasScripts);
  const reviewer = await person(browser, 'reviewer', hasScripts);
  await look(editor, hasScripts);
  await editor.goto(`${base}/desk/directory/import`);
  await look(editor, hasScripts);
  await editor.setInputFiles('#sheet', sheet);
  await editor.setInputFiles('#extension', extension);
  await editor.click('button[value="import"]');
  if ((await editor.locator('td.wrong').count()) === 0) wrong.push('no cell is marked');
  await look(editor, hasScripts);
  await editor.click('button[value="show"]');
  if ((await editor.locator('select[aria-invalid="true"]').count()) !== 1) wrong.push('no field is marked');
  await look(editor, hasScripts);
  // What can't be saved as it is, is kept as an unfinished draft.
  await editor.click('button[value="save"] >> nth=0');
  await look(editor, hasScripts);
  const draft = editor.url();
  await editor.goto(`${base}/desk/directory`);
  await look(editor, hasScripts);
  await editor.goto(draft);
  await editor.selectOption('select[aria-invalid="true"]', '货币型Y');
  await editor.click('button[value="add"] >> nth=0');
  await editor.click('button[value^="remove-"] >> nth=-1');
  await editor.click('button[value="save"] >> nth=0');
  if (!editor.url().endsWith(`/desk/directory/${code}`)) wrong.push(`saving led to ${editor.url()}: ${await editor.textContent('main')}`);
  await look(editor, hasScripts);
  await step(editor, code, 'submit_registration');
  await reviewer.goto(`${base}/desk/reviews`);
  await look(reviewer, hasScripts);
  await step(reviewer, code, 'approve_registration');
  await step(editor, code, 'submit_publication');
  await step(reviewer, code, 'approve_publication');
  await editor.goto(`${base}/desk/directory/${code}/history?from=1&to=2`);
  if ((await editor.locator('#compared').count()) !== 1) wrong.push('two steps are not compared');
  await look(editor, hasScripts);

  await editor.goto(`${base}/desk/datasets/${code}/upload`);
  await look(editor, hasScripts);
  await editor.fill('#threshold', '0.001');
  await editor.setInputFiles('#file', rows);
  await editor.click('main form button');
  if ((await editor.inputValue('#threshold')) !== '0.001') wrong.push('what was typed is lost');
  await editor.fill('#threshold', '0.2');
  await editor.setInputFiles('#file', rows);
  await editor.click('main form button');
  await look(editor, hasScripts);
  if ((await editor.locator('td.wrong').count()) === 0) wrong.push('no bad cell is shown');
  await editor.click('form[action*="/waiting"] button');
  await look(editor, hasScripts);
  await editor.goto(`${base}/desk/datasets/${code}`);
  await look(editor, hasScripts);

  await editor.goto(`${base}/desk/openings/new?resource=${code}`);
  await look(editor, hasScripts);
  await editor.check('input[name="items"][value="case_no"]');
  await editor.fill('#legal_basis', '政府信息公开条例 第二十条');
  await editor.click('main form button:not(.plain)');
  const review = editor.url();
  await look(editor, hasScripts);
  if ((await editor.locator('button[value="justify"]').count()) > 0) {
    await editor.fill('#why', '合成数据');
    await editor.click('button[value="justify"]');
  }
  await reviewer.goto(review);
  await look(reviewer, hasScripts);
  for (const answer of await reviewer.locator('select[name="answers"]').all()) await answer.selectOption('yes');
  await reviewer.click('button[value="grant"]');
  const state = await reviewer.textContent('dl.facts dd strong');
  for (const address of ['/desk', '/desk/directory', '/desk/datasets', '/desk/openings?settled=true']) {
    await editor.goto(base + address);
    await look(editor, hasScripts);
  }
  return state;
}

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const ends = [await walk(browser, files.slice(0, 3), false), await walk(browser, files.slice(3), true)];
  console.log(JSON.stringify({ wrong, ends }));
} finally {
  await browser.close();
}
