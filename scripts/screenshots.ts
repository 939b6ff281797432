// npm run screenshots [-- FOLDER]: makes docs/page.png and docs/page-failures.png, of a daemon to which some things have
// happened; and in FOLDER, where it is given, the first screen of each situation that somebody should see through in a minute.
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../test/support/browser.ts';
import { type Situation, situations, stage } from '../test/support/situations.ts';
import { startPrivateBroker } from './quickstart/private-broker.ts';

const [folder] = process.argv.slice(2);
const broker = await startPrivateBroker();
const browser = await openBrowser();
try {
  const [dead] = situations.filter(({ name }) => name === 'dead-letters');
  if (dead !== undefined) await withPage(dead, browser, documented);
  for (const situation of folder === undefined ? [] : situations)
    await withPage(situation, browser, async (page) => {
      await page.screenshot({ path: join(folder ?? '', `${situation.name}.png`) });
    });
} finally {
  await browser.close();
  await broker.close();
}

async function documented(page: Page): Promise<void> {
  await page.screenshot({ path: 'docs/page.png' });
  await page.getByRole('link', { name: 'Failures', exact: true }).click();
  await page.getByRole('button', { name: 'Retry…' }).first().waitFor();
  await page.screenshot({ path: 'docs/page-failures.png', clip: { x: 0, y: 0, width: 1_120, height: 520 } });
}

async function withPage(situation: Situation, within: Browser, work: (page: Page) => Promise<void>): Promise<void> {
  const staged = await stage(situation, broker.url);
  const page = await within.newPage({ viewport: { width: 1_120, height: 860 }, deviceScaleFactor: 1 });
  try {
    await page.goto(await staged.link());
    await page.getByRole('button', { name: 'Log in by this link' }).click();
    await page.getByRole('heading', { level: 1 }).filter({ hasText: /need/ }).waitFor();
    await work(page);
  } finally {
    await page.close();
    await staged.close();
  }
}
