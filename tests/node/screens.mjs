// What walks share: a page as it stands, looked at on three screens, in light and dark.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.SHUQIAO_TEST_NODE, 'package.json'));
const axe = require('axe-core');

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Adds to `wrong` where the page is wider than its screen, and breaches of WCAG 2.2 AA by axe. */
export async function onThreeScreens(page, where, wrong) {
  for (const [width, colorScheme] of [[360, 'light'], [820, 'dark'], [1440, 'light']]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    // Laid out anew and drawn: what is measured before is the screen of before.
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
    if (wide) wrong.push(`${where} ${width}: wider than the screen`);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
    for (const { id, nodes } of violations) wrong.push(`${where} ${width}: ${id}: ${nodes[0].html}`);
  }
}
