// Reads one column of a few rows of a Parquet file in a browser, from a page of another origin, as a developer's own page would.
//
// usage: node read_parquet.mjs ADDRESS COLUMN KEY VALUE
//
// Prints, as JSON, the sum of COLUMN over the rows in which KEY is VALUE.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const PAGE = 'https://reader.example';
const installed = process.env.SHUQIAO_TEST_NODE;
const { chromium } = createRequire(join(installed, 'package.json'))('playwright-core');
const imports = {
  'hyparquet': '/hyparquet/src/index.js',
  'hyparquet-compressors': '/hyparquet-compressors/src/index.js',
  'fzstd': '/fzstd/esm/index.mjs',
  'hysnappy': '/hysnappy/js/index.js',
};

/** Answers for the page's own origin, from the installed packages. */
async function serve(route) {
  const path = new URL(route.request().url()).pathname;
  if (path === '/') {
    const body = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>`;
    return route.fulfill({ contentType: 'text/html', body });
  }
  return route.fulfill({ contentType: 'text/javascript', body: await readFile(join(installed, 'node_modules', path)) });
}

/** What the developer's page does. */
async function sum({ url, column, key, value }) {
  const { asyncBufferFromUrl, parquetQuery } = await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  const file = await asyncBufferFromUrl({ url });
  const rows = await parquetQuery({ file, compressors, columns: [column, key], filter: { [key]: { $eq: value } } });
  return rows.reduce((total, row) => total + Number(row[column]), 0);
}

const [url, column, key, value] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.SHUQIAO_TEST_BROWSER ?? '/usr/bin/chromium',
  // The server under test is on this machine, which pages from elsewhere may not ask otherwise.
  args: ['--no-sandbox', '--disable-features=LocalNetworkAccessChecks'],
});
try {
  const page = await browser.newPage();
  await page.route(`${PAGE}/**`, serve);
  await page.goto(`${PAGE}/`);
  console.log(JSON.stringify(await page.evaluate(sum, { url, column, key, value })));
} finally {
  await browser.close();
}
