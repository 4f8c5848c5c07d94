// Takes part in a browser, with scripts and without: asks for disclosure and follows it, rates a dataset, offers a work; those who
// decide look at it and show it, a developer makes a key.
//
// usage: node walk_people.mjs BASE CODE PASSWORD
//
// The accounts `reviewer`, `officer` and `developer` sign in with the password. Prints, as JSON, what is wrong, and the numbers of the
// requests.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const HOSTILE = `</textarea><script>document.title='hacked'</script><img src=x onerror="document.title='hacked'">👨‍👩‍👧`;

const [base, code, password] = process.argv.slice(2);
const wrong = [];
const numbers = [];

function expect(where, holds) {
  if (!holds) wrong.push(where);
}

/** A page of somebody's browser, which tells what its console says. */
async function opened(context) {
  const page = await context.newPage();
  // A form that is refused is answered by 400, which browsers tell there.
  const isRefusal = (message) => message.text().includes('400 (Bad Request)');
  page.on('console', (message) => message.type() === 'error' && !isRefusal(message) && wrong.push(`${page.url()}: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`${page.url()}: ${error}`));
  return page;
}

/** What the page that is open gets wrong, whatever it shows. */
async function check(page, where, javaScriptEnabled) {
  expect(`${where}: what was written is obeyed`, !(await page.title()).includes('hacked'));
  expect(`${where}: what was written is read as HTML`, (await page.locator('img[src="x"]').count()) === 0);
  if (!javaScriptEnabled) return;
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(`${where}: wider than the screen`, !wide);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
  for (const { id, nodes } of violations) wrong.push(`${where}: ${id}: ${nodes[0].html}`);
}

async function ask(page, js) {
  await page.goto(`${base}/ask/disclosure`);
  await page.fill('#name', '诸葛合成');
  await page.fill('#id_number', '110101199003070000');
  await page.fill('#title', '专项资金分配结果');
  await page.fill('#text', HOSTILE);
  await page.selectOption('#department', 'scjg');
  await page.click('main .form button');
  expect('a request without a contact is not refused', await page.isVisible('.trouble'));
  expect('what was typed is lost', (await page.inputValue('#text')).replace(/\r\n/g, '\n') === HOSTILE);
  await check(page, 'refused request', js);
  await page.fill('#email', 'a@example.invalid');
  await page.click('main .form button');
  const number = await page.textContent('#number');
  const secret = await page.textContent('#code');
  await check(page, 'received', js);
  numbers.push(number);
  await page.click('main .form button');
  expect('the code is in the address', !page.url().includes(secret));
  expect('the state is not shown', (await page.textContent('#state')) === '待答复');
  await check(page, 'matter', js);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('button[value=notice]')]);
  expect('the notice has no name', download.suggestedFilename() === `${number}-1.docx`);
  await page.click('button[value=withdraw]');
  expect('it is not withdrawn', (await page.textContent('#state')) === '已撤回');
  await page.click('main details summary');
  await page.click('button[value=erase]');
  expect('it is not erased', await page.isVisible('.done'));
  // By the form for number and code, too.
  await page.goto(`${base}/ask/matter`);
  await page.fill('#number', number);
  await page.fill('#code', secret.toLowerCase());
  await page.click('main .form button');
  expect('number and code do not open it', (await page.textContent('#state')) === '已撤回');
}

async function contribute(page, js, mark) {
  await page.goto(`${base}/datasets/${code}/feedback`);
  await page.selectOption('#rating', '4');
  await page.fill('#text', `${mark} ${HOSTILE}`);
  await page.click('main .form button');
  expect('feedback is not received', await page.isVisible('.done'));
  expect('feedback is shown before anybody has looked', !(await page.textContent('main')).includes(mark));
  await check(page, 'feedback', js);
  await page.goto(`${base}/gallery/submit?dataset=${code}`);
  await page.fill('#title', `${mark} ${'长'.repeat(80)}`);
  await page.fill('#text', HOSTILE);
  await page.fill('#link', 'javascript:alert(1)');
  await page.click('main .form button');
  expect('a link that runs is not refused', await page.isVisible('.trouble'));
  expect('the name is lost', (await page.inputValue('#title')).startsWith(mark));
  await page.fill('#link', `https://a.example/${'x'.repeat(400)}`);
  await page.click('main .form button');
  expect('the work is not received', await page.isVisible('.done'));
}

async function signIn(page, name) {
  await page.goto(`${base}/sign-in`);
  await page.fill('#name', name);
  await page.fill('#secret', password);
  await page.click('main .form button');
}

async function decide(browser, options, js, mark) {
  for (const [name, address] of [['reviewer', '/desk/feedback'], ['officer', '/desk/gallery']]) {
    const context = await browser.newContext(options);
    const page = await opened(context);
    await signIn(page, name);
    await page.goto(base + address);
    await check(page, address, js);
    const card = page.locator('.card', { hasText: mark });
    await card.locator('button[value=show]').click();
    expect(`${address}: it waits still`, !(await page.textContent('main')).includes(mark));
    if (name === 'reviewer') {
      await page.goto(`${base}${address}?state=shown`);
      const shown = page.locator('.card', { hasText: mark });
      await shown.locator('textarea').fill(`${mark} 谢谢`);
      await shown.locator('button[value=answer]').click();
    }
    await context.close();
  }
}

async function develop(browser, options, js, mark) {
  const context = await browser.newContext(options);
  const page = await opened(context);
  await signIn(page, 'developer');
  await page.goto(`${base}/developer`);
  await page.fill('#name', mark);
  await page.click('button[value=make]');
  expect('no secret is shown', (await page.textContent('#secret')).startsWith('sqk_'));
  await check(page, 'a key', js);
  await page.goto(`${base}/developer`);
  expect('the secret is shown again', (await page.locator('#secret').count()) === 0);
  await page.locator('.key', { hasText: mark }).locator('button[value=revoke]').click();
  await page.goto(`${base}/developer/subscriptions`);
  await check(page, 'subscriptions', js);
  await page.goto(`${base}/api?tag=directory`);
  await page.locator('details.try summary').first().click();
  await context.close();
}

const browser = await chromium.launch({ executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  for (const javaScriptEnabled of [true, false]) {
    const options = { javaScriptEnabled, viewport: { width: 360, height: 740 }, acceptDownloads: true };
    const mark = javaScriptEnabled ? '甲方意见' : '乙方意见';
    const context = await browser.newContext(options);
    const page = await opened(context);
    page.on('dialog', (dialog) => { wrong.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
    await ask(page, javaScriptEnabled);
    await contribute(page, javaScriptEnabled, mark);
    await decide(browser, options, javaScriptEnabled, mark);
    await develop(browser, options, javaScriptEnabled, mark);
    for (const address of [`/datasets/${code}/feedback`, '/gallery']) {
      await page.goto(base + address);
      expect(`${address}: it is not shown`, (await page.textContent('main')).includes(mark));
      await check(page, address, javaScriptEnabled);
    }
    expect('a stranger has a cookie', (await context.cookies()).length === 0);
    await context.close();
  }
  console.log(JSON.stringify({ wrong, numbers }));
} finally {
  await browser.close();
}
