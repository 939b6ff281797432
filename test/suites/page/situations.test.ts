import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../../support/browser.ts';
import { type SharedBroker, shareBroker } from '../../support/rabbitmq.ts';
import { situations, stage } from '../../support/situations.ts';

let browser: Browser;
let broker: SharedBroker;

beforeAll(async () => {
  [browser, broker] = await Promise.all([openBrowser(), shareBroker()]);
});

afterAll(async () => {
  await browser.close();
  await broker.close();
});

/** By the name of a situation: what is wrong, why, and what to do. */
const told: Readonly<Record<string, readonly RegExp[]>> = {
  'refused-login': [
    /^1 of 3 routes needs you\.$/,
    /^the sink of crm refuses everything since .* \(for /,
    /^answered 401: .*invalid token/,
    /^Nothing is lost: what comes for it waits in the journal/,
    /^Correct sink\.auth of this route in the configuration, and apply that: kazoo-relay reload\. Delivery then goes on by itself/,
    /^crm webhook refused /,
  ],
  'broker-away': [
    /^1 of 2 brokers needs you\.$/,
    /\(zone east\) is away since /,
    /ECONNREFUSED/,
    /What KAZOO publishes there meanwhile waits in its queue/,
    /^Nothing listens there: start RabbitMQ, or correct its url\. .*kazoo-relay check --connect$/,
    /^east .* away /,
    /^crm webhook delivering /,
  ],
  'failing-condition': [
    /^2 of 3 routes need you\.$/,
    /^the condition of billing can't be evaluated: the last 12 notifications were not delivered$/,
    /^Nothing is lost: they are in the journal/,
    /^Correct "where" of this route in the configuration .*convert one, .*: kazoo-relay reload\. Then deliver what was skipped: kazoo-relay replay --route billing/,
    /^billing webhook condition fails /,
    /^12 quarantined: .*current_balance must be .*\(low_balance\)$/,
  ],
  'dead-letters': [
    /^1 of 3 routes needs you\.$/,
    /^crm has 17 new dead letters$/,
    /^Nothing is lost: the journal keeps them/,
    /^crm webhook some failed /,
    /^17 dead: answered 422: unknown customer \(.* and 3 other events\)$/,
    /^See why, mend that, then retry or drop them: kazoo-relay dead list --route crm$/,
  ],
};

test.each(situations.map((situation) => [situation.name, situation] as const))(
  'the first screen says what is wrong, why, and what to do: %s',
  async (name, situation) => {
    const staged = await stage(situation, broker.url);
    const page = await browser.newPage({ viewport: { width: 1_120, height: 860 } });
    try {
      await page.goto(await staged.link());
      await page.getByRole('button', { name: 'Log in by this link' }).click();
      await page.getByRole('heading', { level: 1 }).filter({ hasText: /need/ }).waitFor();
      const seen = await firstScreen(page);
      for (const line of told[name] ?? [/none/]) expect(seen).toContainEqual(expect.stringMatching(line));
      await page.getByRole('link', { name: 'Events' }).click();
      const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: 'low_balance' }) });
      // Twelve of them more, where the condition fails on each.
      const counts = (await row.getByRole('cell').allTextContents()).slice(-2);
      expect(counts).toEqual([name === 'failing-condition' ? '17' : '5', '10']);
    } finally {
      await page.close();
      await staged.close();
    }
  },
);

/** The text of headings, paragraphs, lists and rows that are wholly within the window. */
async function firstScreen(page: Page): Promise<string[]> {
  // Evaluated in the page.
  const lines = await page.evaluate(`[...document.querySelectorAll('h1, h2, p, li, tr')]
    .filter((one) => one.getBoundingClientRect().bottom <= innerHeight)
    .map((one) => [...(one.cells ?? [one])].map((part) => part.textContent.trim()).join(' '))`);
  return (lines as string[]).map((line) => line.replace(/\s+/g, ' ')); // as the expression above says
}
