import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { hashPassword } from '../../src/common/password-hash.ts';
import { OwnLogins } from '../../src/journal/logins.ts';
import { sharedLogins } from '../../src/journal/postgres/logins.ts';
import { createAnswers } from '../../src/ops/http-server.ts';
import type { Status } from '../../src/ops/status.ts';
import { Access } from '../../src/page/access.ts';
import { addPage } from '../../src/page/pages.ts';
import type { PageSource } from '../../src/page/source.ts';
import { cli } from '../support/cli.ts';
import { type Answer, ask } from '../support/http.ts';
import {
  account,
  hostileQuery,
  hostileWords,
  type PageStage,
  password,
  startPageStage,
} from '../support/page-stage.ts';
import { makeTables } from '../support/postgres-tables.ts';
import { sharePostgres } from '../support/postgresql.ts';
import { until } from '../support/until.ts';

/*
 * Attacks by addresses: each address that there is, with something that it leads to, is tried by each means. What senders and
 * receivers have written is hostile, and has this mark wherever it stands.
 */

const mark = 'alert(1)';
const monitoring = ['/metrics', '/status', '/livez', '/readyz', '/log-level'];
const forEverybody = ['/', '/login', '/assets/page.css', '/assets/page.js'];
/** Pages that show what senders and receivers have written, and others. */
const telling = ['/failures', '/failures/list', '/notifications', '/notifications/:id'];
const others = ['/routes/:name', '/events', '/events/:name', '/configuration', '/audit', '/acts/:id'];
const closed = [...telling, ...others];
const reading = [...monitoring, ...forEverybody, ...closed];
const acts = ['/failures/act', '/routes/:name/act', '/routes/:name/replay'];
const forms = [...acts, '/routes/:name/try', '/login', '/logout'];

let stage: PageStage;
let operator: string;
let reader: string;
/** A notification that there is. */
let known: string;

beforeAll(async () => {
  stage = await startPageStage('127.0.0.1:0');
  operator = await login(await stage.link());
  reader = sessionIn(await send('/login', { form: { name: 'anna', password } }));
  const [entry] = await stage.store((store) => store.find({ limit: 1, accounts: [account] }));
  known = entry?.header.id ?? '';
  // From now on its receiver is away, and says so in its words.
  stage.answer = 503;
  await send('/failures/act', {
    session: operator,
    form: { act: 'retry', choice: 'route=crm&state=dead', confirmed: 'yes' },
  });
  await until(async () => (await routeNow('crm')).circuit?.state === 'open', { what: 'the receiver to be away' });
});

afterAll(() => stage.close());

describe('the addresses', () => {
  test('are all in these tables', async () => {
    const found = new Set<string>();
    const access = new Access([], new OwnLogins());
    await using server = createAnswers(
      { listen: '127.0.0.1:0', hosts: [] },
      {
        addPage(own: Parameters<typeof addPage>[0]) {
          own.addHook('onRoute', ({ method, url }) => void found.add(`${method} ${url}`));
          // Nothing is asked of it: these are the addresses alone.
          return addPage(own, { subscribe: () => () => undefined } as unknown as PageSource, access);
        },
      } as unknown as Parameters<typeof createAnswers>[1],
      pino({ enabled: false }),
    );
    await server.ready();
    const listed = [
      ...[...reading, '/live'].map((path) => `GET ${path}`),
      ...forms.map((path) => `POST ${path}`),
      'PUT /log-level',
    ];
    expect([...found].filter((one) => !one.startsWith('HEAD ')).toSorted()).toEqual(listed.toSorted());
  });
});

describe('without a login', () => {
  test.each(reading)('%s shows nothing that senders and receivers have written', async (path) => {
    for (const session of [undefined, 'guessed', 'A'.repeat(43)]) {
      const { status, body } = await send(path, { session });
      const isReady = path !== '/readyz';
      expect(status).toBe(closed.includes(path) ? 401 : isReady ? 200 : 503);
      expect(body).not.toContain(mark);
      expect(body).not.toContain('geheim');
    }
  });

  test.each(forms)('%s does nothing, and what is sent to it is not waited for', async (path) => {
    const before = await whatWasDone();
    const { status, body } = await send(path, { form: { act: 'drop', choice: 'state=dead', confirmed: 'yes' } });
    expect(status).toBe(path === '/login' ? 403 : path === '/logout' ? 303 : 401);
    expect(body).not.toContain(mark);
    expect(await whatWasDone()).toEqual(before);
    if (path.startsWith('/log')) return;
    const head = `POST ${addressOf(path)} HTTP/1.1\r\nHost: ${stage.listen}\r\nContent-Length: 2000000\r\n\r\n`;
    expect(await rawly(head)).toMatch(/^HTTP\/1\.1 401 /);
  });

  test.each(telling)('but with one, %s has it', async (path) => {
    const { status, body } = await send(path, { session: reader });
    expect([status, body]).toEqual([200, expect.stringContaining(mark)]);
  });
});

const strange: readonly (readonly [string, http.OutgoingHttpHeaders])[] = [
  ['another site', { 'sec-fetch-site': 'cross-site' }],
  ['another port of this machine', { 'sec-fetch-site': 'same-site' }],
  ['another origin', { origin: 'http://evil.example' }],
  ['an origin that is none', { origin: 'null' }],
];

describe('a page of another site', () => {
  test.each(forms.flatMap((path) => strange.map(([from, headers]) => [path, from, headers] as const)))(
    'sends nothing to %s as %s',
    async (path, _from, headers) => {
      const before = await whatWasDone();
      const form = { act: 'drop', choice: 'state=dead', confirmed: 'yes', since: '2h', name: 'anna', password };
      const { status, headers: answered } = await send(path, { session: operator, form, headers });
      expect([status, answered['set-cookie']]).toEqual([403, undefined]);
      expect(await whatWasDone()).toEqual(before);
      expect((await send('/audit', { session: operator })).status).toBe(200);
    },
  );

  test.each([...reading, '/live'])('reaches %s by no name of its own', async (path) => {
    const headers = { host: 'rebound.example.com:9400' };
    const { status, body } = await send(path, { session: operator, headers });
    expect([status, JSON.parse(body)]).toEqual([421, { error: expect.any(String) }]);
  });

  test('is given no leave to read or to write by a browser', async () => {
    for (const path of [...reading, ...forms]) {
      const headers = { origin: 'http://evil.example', 'access-control-request-method': 'POST' };
      const { status, headers: answered } = await send(path, { method: 'OPTIONS', session: operator, headers });
      expect(status).toBe(404);
      expect(Object.keys(answered).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });
});

describe('a reader', () => {
  test.each(acts)('does nothing by %s', async (path) => {
    const before = await whatWasDone();
    const form = { act: 'drop', choice: 'state=dead', confirmed: 'yes', since: '2h' };
    expect((await send(path, { session: reader, form })).status).toBe(403);
    expect(await whatWasDone()).toEqual(before);
  });

  test('who looks at failures leaves them new for operators', async () => {
    const unseen = async () => (await routeNow('picky')).unseen;
    const before = await unseen();
    expect(before).toBeGreaterThan(0);
    await send('/failures', { session: reader });
    expect(await unseen()).toBe(before);
    await send('/failures', { session: operator });
    await until(async () => (await unseen()) === 0, { what: 'the look' });
  });
});

describe('a request', () => {
  test.each([...reading, ...forms])('to %s by another method has no body, and ends', async (path) => {
    for (const method of ['HEAD', 'PUT', 'PATCH', 'DELETE', 'TRACE']) {
      const { status, body } = await send(path, { method, session: reader });
      expect(status).toBeLessThan(500 + Number(path === '/readyz') * 4);
      expect(body).not.toContain(mark);
    }
  });

  test.each(closed)('to %s with hostile words in its address is answered with text', async (path) => {
    for (const word of hostileWords) {
      const inPlace = path.replace(/:\w+/, encodeURIComponent(word.toWellFormed()));
      for (const at of [inPlace, `${addressOf(path)}?${hostileQuery(word)}`]) {
        const { status, body, headers } = await send(at, { session: operator });
        if (status >= 500) throw new Error(`${at}: ${status} ${body}`);
        expect(body).not.toMatch(/<script>|root:x:|\u202e/);
        expect(headers['set-cookie']).toBeUndefined();
      }
    }
  });

  test.each([
    [
      'a whole address of another one',
      'GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n',
      /^HTTP\/1\.1 (400|404|421) /,
    ],
    ['two slashes', 'GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n', /^HTTP\/1\.1 404 /],
    ['a path that leads out', 'GET /assets/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n', /^HTTP\/1\.1 404 /],
    ['half an escape', 'GET /routes/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'two lengths',
      'POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    ['no HTTP', 'HELO localhost\r\n\r\n', /^HTTP\/1\.1 400 /],
  ])('with %s is refused', async (_what, sent, answer) => {
    expect(await rawly(sent)).toMatch(answer);
  });

  test('that is too large is refused, whatever it is sent to', async () => {
    const padding = 'x'.repeat(10_000);
    for (const path of reading) expect((await send(path, { headers: { padding } })).status).toBe(431);
    const large = 'x'.repeat(3_000_000);
    for (const path of forms) {
      const { status } = await send(path, { session: operator, body: large });
      expect([path, status]).toEqual([path, 413]);
    }
  });
});

describe('a session', () => {
  test('is always a new one, and the one before ends: nobody is logged in to what somebody else has chosen', async () => {
    const chosen = 'A'.repeat(43);
    const first = await login(await stage.link(), chosen);
    expect(first).toMatch(/^[\w-]{43}$/);
    expect((await send('/audit', { session: chosen })).status).toBe(401);
    const second = await login(await stage.link(), first);
    expect((await send('/audit', { session: second })).status).toBe(200);
    expect((await send('/audit', { session: first })).status).toBe(401);
  });

  test('that ends takes its streams along; of strangers’ streams there are a few', async () => {
    const session = await login(await stage.link());
    const own = await stream(session);
    const strangers = [];
    for (let count = 0; count < 10; count += 1) strangers.push(await stream());
    expect(strangers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect((await stream()).status).toBe(503);
    expect((await send('/live', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    expect((await send('/live', { method: 'HEAD' })).status).toBe(404);
    const another = await stream(operator);
    expect([own.status, another.status]).toEqual([200, 200]);
    await send('/logout', { session, form: {} });
    await until(own.isOver, { what: 'the end of the stream' });
    expect([another, ...strangers].map(({ isOver }) => isOver())).not.toContain(true);
    for (const { close } of [another, ...strangers]) close();
  });
});

const guesses: readonly (readonly [string, (access: Access, words: string) => Promise<unknown>])[] = [
  ['/login', (access, words) => access.login('anna', words)],
  [
    '/metrics, by HTTP Basic',
    (access, words) => access.isUser(`Basic ${Buffer.from(`anna:${words}`).toString('base64')}`),
  ],
];

describe('passwords', () => {
  test.each(guesses)('that are guessed at %s of three daemons by turns wait as at one', async (_where, guess) => {
    const server = await sharePostgres();
    const tables = await makeTables(server.url);
    try {
      const pauses: number[] = [];
      const anna = {
        name: 'anna',
        role: 'reader',
        password: await hashPassword(password, { N: 2 ** 14, r: 1, p: 1 }),
      } as const;
      const daemons = Array.from(
        { length: 3 },
        () => new Access([anna], sharedLogins(tables), async (millis) => void pauses.push(millis)),
      );
      for (let round = 0; round < 4; round += 1)
        await Promise.all(daemons.map((daemon, index) => guess(daemon, `guess ${round} ${index}`)));
      // Twelve: nobody has waited in fact, so that each is told all that those before it have earned.
      expect(pauses).toHaveLength(11);
      expect(Math.max(...pauses)).toBeGreaterThan(10_000);
      expect(await tables.values('SELECT failures FROM login_turns')).toEqual([12]);
      expect(await daemons[0]?.login('anna', password)).not.toBeNull();
      expect(await tables.values('SELECT failures FROM login_turns')).toEqual([]);
    } finally {
      await tables.close();
      await server.close();
    }
  });
});

test('where monitoring asks for a login, it is given nothing without', async () => {
  writeFileSync(stage.config, readFileSync(stage.config, 'utf8').replace('access:', 'access:\n    metrics: login'));
  expect((await cli(['reload', '--config', stage.config])).code).toBe(0);
  const basic = (words: string) => ({ authorization: `Basic ${Buffer.from(words).toString('base64')}` });
  for (const path of monitoring) {
    const { status, headers } = await send(path);
    expect([path, status, headers['www-authenticate']]).toEqual([path, 401, 'Basic realm="kazoo-relay"']);
    expect((await send(path, { session: 'A'.repeat(43) })).status).toBe(401);
    const known = [await send(path, { session: reader }), await send(path, { headers: basic(`anna:${password}`) })];
    for (const answer of known) expect(answer.status).toBe(path === '/readyz' ? 503 : 200);
  }
  expect((await send('/metrics', { headers: basic('anna:guessed') })).status).toBe(401);
  expect((await send('/')).status).toBe(200);
});

interface Sent {
  readonly method?: string;
  readonly session?: string | undefined;
  readonly form?: Record<string, string>;
  readonly body?: string;
  readonly headers?: http.OutgoingHttpHeaders;
}

function send(
  path: string,
  { session, form, body = form && `${new URLSearchParams(form)}`, ...rest }: Sent = {},
): Promise<Answer> {
  const { method = body === undefined ? 'GET' : 'POST', headers = {} } = rest;
  const own = { ...headers, ...(session !== undefined && { cookie: `kazoo_relay_session=${session}` }) };
  return ask(stage.listen, addressOf(path), { method, headers: own, ...(body !== undefined && { body }) });
}

/** Something that there is in the place of a parameter. */
function addressOf(path: string): string {
  return path
    .replace('/events/:name', '/events/low_balance')
    .replace('/routes/:name', '/routes/crm')
    .replace('/notifications/:id', `/notifications/${known}`);
}

/** Sends something as it is, and gives what is answered within the same connection. */
async function rawly(sent: string): Promise<string> {
  const [host, port] = stage.listen.split(':');
  const socket = connect(Number(port), host);
  let answered = '';
  socket.on('data', (chunk) => (answered += chunk)).on('error', () => undefined);
  socket.write(sent);
  await until(() => answered !== '' || socket.closed, { what: 'an answer' });
  socket.destroy();
  return answered;
}

async function stream(session?: string) {
  const headers = session === undefined ? {} : { cookie: `kazoo_relay_session=${session}` };
  const [host, port] = stage.listen.split(':');
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const request = http.get({ host, port, path: '/live', headers, agent: false }, resolve).on('error', reject);
  const response = await promise;
  response.resume();
  return { status: response.statusCode, isOver: () => response.closed, close: () => request.destroy() };
}

async function login(path: string, session?: string): Promise<string> {
  const link = new URLSearchParams(path.split('?')[1]).get('link') ?? '';
  return sessionIn(await send('/login', { session, form: { link } }));
}

function sessionIn({ headers }: Answer): string {
  return /=([\w-]{43});/.exec(headers['set-cookie']?.[0] ?? '')?.[1] ?? '';
}

async function routeNow(wanted: string) {
  const { routes }: Status = JSON.parse((await cli(['status', '--json', '--config', stage.config])).stdout);
  const route = routes.find(({ name }) => name === wanted);
  if (route === undefined) throw new Error(`there is no route ${wanted}`);
  return route;
}

function whatWasDone() {
  return stage.store((store) => store.acts(0, 100));
}
