import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import axe from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { script } from '../../../src/page/script.ts';
import { openBrowser } from '../../support/browser.ts';
import { type PageStage, startPageStage } from '../../support/page-stage.ts';
import { until } from '../../support/until.ts';

let browser: Browser;
let stage: PageStage;
let session: Awaited<ReturnType<BrowserContext['cookies']>>;
let context: BrowserContext | undefined;
/** What a page has done that it must not do. */
let wrong: string[];

beforeAll(async () => {
  browser = await openBrowser();
  stage = await startPageStage('127.0.0.1:0');
  const logging = await browser.newContext({ baseURL: base() });
  const page = await logging.newPage();
  await page.goto(await stage.link());
  await page.getByRole('button', { name: 'Log in by this link' }).click();
  await page.waitForURL('/');
  session = await logging.cookies();
  await logging.close();
});

beforeEach(() => {
  wrong = [];
  stage.answer = 400;
});

afterEach(async () => {
  await context?.close();
  expect(wrong).toEqual([]);
});

afterAll(async () => {
  await stage.close();
  await browser.close();
});

const places = [
  '/',
  '/failures',
  '/failures?state=waiting',
  '/failures/list?state=dead',
  '/notifications',
  '/routes/crm',
  '/events',
  '/events/voicemail_new',
  '/configuration',
  '/audit',
];

const looks: readonly (readonly [string, BrowserContextOptions])[] = [
  ['light', { colorScheme: 'light', viewport: { width: 1_200, height: 900 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1_200, height: 900 } }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
];

describe.each(looks)('%s', (_name, options) => {
  test.each([...places, 'a notification', 'the login', 'a confirmation', 'an act'])(
    '%s has nothing that axe finds, stays within the window, and runs nothing that it was sent',
    async (place) => {
      const page = await open(options, place !== 'the login');
      await go(page, place);
      await page.evaluate(axe.source);
      // Evaluated in the page, where axe is what the script above has made.
      const found = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
      const { violations } = found as { violations: { id: string; nodes: { html: string }[] }[] };
      expect(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`),
      ).toEqual([]);
      const [width, inner] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as [
        number,
        number,
      ];
      expect(width).toBeLessThanOrEqual(inner);
      expect(await page.evaluate(brokenWords)).toEqual([]);
    },
  );
});

describe('without JavaScript', () => {
  test('an operator finds a group of failures, tries one, and sees what became of it', async () => {
    const page = await open({ javaScriptEnabled: false });
    await page.goto('/');
    await page.getByRole('link', { name: 'Failures' }).click();
    const card = page
      .locator('section', { has: page.getByRole('link', { name: 'picky' }) })
      .filter({ hasText: 'dead' });
    await card.getByRole('button', { name: 'Try one first…' }).click();
    stage.answer = 204;
    await page.getByRole('button', { name: /^Try one of \d deliver/ }).click();
    await until(
      async () => {
        await page.reload();
        return (await page.getByRole('row', { name: /^picky delivered/ }).count()) === 1;
      },
      { what: 'the delivery' },
    );
  });

  test('an operator pauses a route, sees it, and resumes it', async () => {
    const page = await open({ javaScriptEnabled: false });
    await page.goto('/routes/crm');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('link', { name: 'Now' }).click();
    expect(await page.getByRole('row', { name: /^crm webhook paused/ }).count()).toBe(1);
    await page.getByRole('link', { name: 'crm' }).click();
    await page.getByRole('button', { name: 'Resume' }).click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('crm: delivering');
  });

  test('filters stay in the address', async () => {
    const page = await open({ javaScriptEnabled: false });
    await page.goto('/failures');
    await page.getByLabel('State').selectOption('quarantined');
    await page.getByLabel('Route').fill('crm');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(page.url()).toContain('state=quarantined&route=crm');
    expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual([
      '1 low_balance quarantined on crm',
    ]);
  });
});

describe('by the keyboard alone', () => {
  test('everything is reached, in its order, and what has the focus is seen', async () => {
    const page = await open({});
    await page.goto('/routes/crm');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('To the content');
    const reached: string[] = [];
    for (let step = 0; step < 30 && !reached.includes('Pause'); step += 1) {
      await page.keyboard.press('Tab');
      reached.push(await focused(page));
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none');
    }
    expect(reached).toEqual(expect.arrayContaining(['Now', 'Failures', 'Audit', 'Log out', 'Pause']));
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).press('Enter');
    await page.getByRole('button', { name: 'Pause', exact: true }).waitFor();
  });
});

describe('a page that is left open', () => {
  test('follows what happens, but not while that is paused', async () => {
    const page = await open({});
    await page.goto('/audit');
    const rows = () => page.getByRole('row').count();
    await page.getByRole('button', { name: 'Pause updates' }).waitFor();
    const before = await rows();
    await act();
    await until(async () => (await rows()) > before, { what: 'the new row' });
    await page.getByRole('button', { name: 'Pause updates' }).click();
    const asked: string[] = [];
    page.on('request', (request) => void asked.push(request.url()));
    await act();
    await page.getByRole('button', { name: 'Go on updating' }).click();
    await until(() => asked.some((url) => url.endsWith('/live')), { what: 'the stream' });
    expect(asked.filter((url) => url.endsWith('/audit'))).toHaveLength(1);
  });

  test('leaves what somebody has typed, opened, and reached with the keyboard, as it is', async () => {
    const page = await open({});
    await page.goto('/routes/crm');
    await page.getByRole('button', { name: 'Pause updates' }).waitFor();
    await page.getByLabel('From').fill('2h');
    await page.getByLabel('Event').selectOption('voicemail_new');
    await page.getByRole('button', { name: 'Replay…' }).focus();
    await page.evaluate("document.querySelector('main h1').id = 'before'");
    await act();
    await page.locator('#before').waitFor({ state: 'detached' });
    expect(await focused(page)).toBe('Replay…');
    expect([await page.getByLabel('From').inputValue(), await page.getByLabel('Event').inputValue()]).toEqual([
      ...['2h', 'voicemail_new'],
    ]);
    await page.goto('/');
    await page.getByRole('button', { name: 'Pause updates' }).waitFor();
    await page.getByText('What these words mean').click();
    await page.evaluate("document.querySelector('main h1').id = 'before'");
    await act();
    await page.locator('#before').waitFor({ state: 'detached' });
    expect(await page.getByRole('group').getAttribute('open')).toBe('');
  });

  test('asks for less than 30 kB of JavaScript, and for nothing from elsewhere', async () => {
    expect(Buffer.byteLength(script)).toBeLessThan(30_000);
    const page = await open({});
    const asked: string[] = [];
    page.on('request', (request) => void asked.push(new URL(request.url()).host));
    await page.goto('/');
    expect(new Set(asked)).toEqual(new Set([stage.listen]));
  });
});

describe('in a browser that is logged in', () => {
  test.each(['localhost', '127.0.0.1'])(
    'a page at another port of %s neither acts, nor shows the page, nor reads it',
    async (host) => {
      const page = await open({});
      const site = createServer((_request, response) => {
        response.setHeader('content-type', 'text/html');
        response.end(`<form method="post" action="${base()}/routes/crm/act"><input name="act" value="pause"><button>Win</button></form>
        <iframe src="${base()}/"></iframe>`);
      }).listen(0, '127.0.0.1');
      await once(site, 'listening');
      const address = site.address();
      await page.goto(`http://${host}:${typeof address === 'object' ? address?.port : ''}/`);
      const framed = page.frames().map((frame) => frame.url());
      expect(framed).not.toContain(`${base()}/`);
      const read = `fetch('${base()}/status', { credentials: 'include' }).then(() => 'read', () => 'refused')`;
      expect(await page.evaluate(read)).toBe('refused');
      const acted = page.waitForResponse(/crm/);
      await page.getByRole('button').click();
      expect((await acted).status()).toBe(403);
      site.close();
      site.closeAllConnections();
      await page.goto(`${base()}/routes/crm`);
      expect(await page.getByRole('heading', { level: 1 }).textContent()).not.toContain('paused');
      // What the browser has refused stands there as errors.
      wrong = wrong.filter((text) => !/frame|CORS|Failed to load/.test(text));
    },
  );

  test('a page that shows notifications does so no longer once its session has ended', async () => {
    const page = await open({}, false);
    await page.goto(await stage.link());
    await page.getByRole('button', { name: 'Log in by this link' }).click();
    await page.waitForURL('/');
    const another = await page.context().newPage();
    await page.goto('/failures');
    await page.getByRole('button', { name: 'Pause updates' }).waitFor();
    await another.goto('/');
    await another.getByRole('button', { name: 'Log out' }).click();
    await act();
    await page.bringToFront();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
  });
});

/** Evaluated in the page: words of tables that are short, and stand on more than one line all the same. */
const brokenWords = `[...document.querySelectorAll('th, td')].flatMap((cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  const broken = [];
  for (let text; (text = texts.nextNode()) !== null; ) for (const { 0: word, index } of text.data.matchAll(/\\w{2,15}/g)) {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    if (range.getClientRects().length > 1) broken.push(word);
  }
  return broken;
})`;

function base(): string {
  return `http://${stage.listen}`;
}

/** A page of somebody who is logged in, unless said otherwise. */
async function open(options: BrowserContextOptions, isLoggedIn = true): Promise<Page> {
  context = await browser.newContext({ baseURL: base(), ...options });
  if (isLoggedIn) await context.addCookies(session);
  const page = await context.newPage();
  page.on('dialog', (dialog) => void wrong.push(`a dialog: ${dialog.message()}`));
  page.on('pageerror', (error) => void wrong.push(`an error: ${error.message}`));
  page.on(
    'console',
    (message) => message.type() === 'error' && !/40[13]/.test(message.text()) && wrong.push(message.text()),
  );
  return page;
}

async function go(page: Page, place: string): Promise<void> {
  if (place === 'the login') await page.goto('/login');
  else if (place === 'a notification') {
    const [entry] = await stage.store((store) => store.find({ limit: 1 }));
    await page.goto(`/notifications/${entry?.header.id}`);
  } else if (place === 'a confirmation') {
    await page.goto('/failures');
    await page.getByRole('button', { name: 'Drop…' }).first().click();
  } else if (place === 'an act') {
    await page.goto('/routes/crm');
    await page.getByLabel('From').fill('2h');
    await page.getByRole('button', { name: 'Replay…' }).click();
    await page.getByRole('button', { name: /^Replay \d/ }).click();
    await page.getByRole('progressbar', { name: /due again/ }).waitFor();
  } else await page.goto(place);
}

async function focused(page: Page): Promise<string> {
  return String(await page.evaluate('document.activeElement.textContent.trim()'));
}

/** Something that another operator does. */
async function act(): Promise<void> {
  await stage.store(async (store) => {
    const todo = store.act({ who: 'bert', from: 'test' }, { route: 'crm' });
    await todo.pause('crm');
    await todo.resume('crm');
  });
}
