import http from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { OperatorStore } from '../../src/journal/operator-store.ts';
import { cli } from '../support/cli.ts';
import { account, hostile, type PageStage, password, startPageStage } from '../support/page-stage.ts';
import { until } from '../support/until.ts';

let stage: PageStage;
let operator: string;
let reader: string;

beforeAll(async () => {
  stage = await startPageStage('http.sock');
  operator = await login(new URLSearchParams({ link: await link() }));
  reader = await login(new URLSearchParams({ name: 'anna', password }));
});

beforeEach(() => {
  stage.answer = 400;
});

afterAll(() => stage.close());

const places = [
  '/',
  '/failures',
  '/failures?state=waiting',
  '/failures?state=undecodable',
  '/failures/list?state=dead',
  '/failures/list?state=quarantined&route=crm',
  '/notifications',
  `/notifications?account=${encodeURIComponent(account)}`,
  `/notifications?event=${encodeURIComponent(hostile)}&since=2h`,
  `/notifications?since=${encodeURIComponent(hostile)}`,
  '/notifications?number=4930123',
  '/routes/crm',
  '/routes/picky',
  '/events',
  '/events/voicemail_new',
  '/configuration',
  '/audit',
  '/login',
];

describe('the page', () => {
  test.each(places)('%s shows what senders and receivers wrote as text, and no secret', async (path) => {
    const { status, body, headers } = await ask(path, { session: operator });
    expect(status).toBe(path === '/login' ? 303 : 200);
    expect(body).not.toMatch(/<script>|\u202e|\p{Cc}(?<![\n\t])/u);
    expect(body).not.toContain('geheim');
    if (status === 303) return;
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(body).not.toMatch(/ (style|on\w+)="/);
  });

  test('of each notification shows its body, and what has become of it on each route', async () => {
    const entries = await store((one) => one.find({ limit: 100 }));
    expect(entries.length).toBeGreaterThan(6);
    for (const { header } of entries) {
      const { status, body } = await ask(`/notifications/${header.id}`, { session: reader });
      expect(status).toBe(200);
      expect(body).not.toMatch(/<script>|\u202e|\p{Cc}(?<![\n\t])/u);
      expect(body).toContain(header.event === null ? 'No event' : 'What has become of it');
    }
    const dead = await recordOf('crm', 'dead');
    const { body } = await ask(`/notifications/${dead.id}`, { session: reader });
    expect(body).toMatch(/dead .* after 1 try: answered 400/);
    expect(body).toMatch(
      /crm<\/a><\/td><td[^>]*>given up<\/td><td[^>]*>400<\/td><td[^>]*>[\d\u202f]+ ms<\/td><td[^>]*>answered 400/,
    );
    expect(body).toMatch(/<pre [^>]*aria-label="Envelope">\{\n {2}&quot;id&quot;: &quot;/);
  });

  test('shows states and counts to everybody, and nothing that a sender or a receiver wrote', async () => {
    const { status, body } = await ask('/');
    expect(status).toBe(200);
    expect(body).toContain('1 of 1 broker');
    expect(body).toContain('state=dead">5</a>');
    expect(body).not.toMatch(/acc&quot;|alert\(1\)|low_balance|no such/);
  });

  test.each(places.filter((path) => path !== '/' && path !== '/login'))('%s is for who is logged in', async (path) => {
    const { status, body } = await ask(path);
    expect(status).toBe(401);
    expect(body).toContain('Log in');
    expect(body).not.toMatch(/acc&quot;|alert\(1\)|low_balance/);
    expect((await ask(path, { session: 'guessed' })).status).toBe(401);
  });

  test.each([
    ['a path that leads out', '/assets/../../etc/passwd', 404],
    ['an encoded one', '/assets/%2e%2e%2f%2e%2e%2fetc%2fpasswd', 404],
    ['a route that is none', '/routes/none', 404],
    ['a notification that is none', '/notifications/none', 404],
    ['an act that is over', '/acts/none', 404],
    ['an event that is none', '/events/none', 404],
  ])('has nothing at %s', async (_what, path, status) => {
    expect((await ask(path, { session: operator })).status).toBe(status);
  });

  test('still answers what it did, to everybody', async () => {
    for (const path of ['/metrics', '/status', '/livez', '/log-level']) expect((await ask(path)).status).toBe(200);
    expect((await ask('/readyz')).status).toBe(503);
    const { status, body } = await ask('/else');
    expect([status, JSON.parse(body)]).toEqual([404, { error: expect.stringContaining('/metrics') }]);
  });
});

const acts = ['/failures/act', '/routes/crm/act', '/routes/crm/replay'];

describe('an act', () => {
  test.each(acts)('at %s is refused to who is not logged in, to readers, and to pages of other sites', async (path) => {
    const form = { act: 'drop', choice: 'state=dead', confirmed: 'yes', since: '2h' };
    const before = await store((one) => one.acts(0, 100));
    const statuses = [
      await ask(path, { form }),
      await ask(path, { form, session: reader }),
      await ask(path, { form, session: operator, headers: { 'sec-fetch-site': 'cross-site' } }),
      await ask(path, { form, session: operator, headers: { 'sec-fetch-site': 'same-site' } }),
      await ask(path, { form, session: operator, headers: { origin: 'http://evil.example' } }),
      await ask(path, { form, session: operator, headers: { origin: 'null' } }),
      await ask(path, { session: operator }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([401, 403, 403, 403, 403, 403, 404]);
    expect(await store((one) => one.acts(0, 100))).toEqual(before);
  });

  test('asks first, with how many it is; then it is done, and in the audit', async () => {
    const form = { act: 'retry', choice: 'route=crm&state=dead' };
    const asked = await ask('/failures/act', { form, session: operator });
    expect(asked.body).toContain('Retry 5 deliveries?');
    stage.answer = 204;
    const done = await ask('/failures/act', { form: { ...form, confirmed: 'yes' }, session: operator });
    const place = done.headers.location ?? '';
    await until(async () => (await ask(place, { session: reader })).body.includes('Done.'), { what: 'the retry' });
    expect((await ask(place, { session: reader })).body).toContain('5 of 5');
    await until(async () => (await deadOn('crm')) === 0, { what: 'the deliveries' });
    const became = async () => (await ask(place, { session: reader })).body;
    await until(
      async () =>
        /What is there now: on crm.*waiting<\/dt><dd><a [^>]*>0<.*dead<\/dt><dd><a [^>]*>0</s.test(await became()),
      {
        what: 'the result',
      },
    );
    expect(await lastAct()).toMatchObject({ act: 'retry', who: 'page link', count: 5, selection: { route: 'crm' } });
    const again = await ask('/failures/act', { form, session: operator });
    expect(again.body).toContain('Nothing to do');
  });

  test('tries one first, and leads to what becomes of it', async () => {
    const form = { act: 'one', choice: 'route=picky&state=dead', confirmed: 'yes' };
    stage.answer = 204;
    const { headers } = await ask('/failures/act', { form, session: operator });
    const place = headers.location ?? '';
    expect(place).toMatch(/^\/notifications\//);
    const isDelivered = async () =>
      /picky<\/a><\/td><td[^>]*>delivered/.test((await ask(place, { session: reader })).body);
    await until(isDelivered, { what: 'the one' });
    expect(await lastAct()).toMatchObject({ act: 'retry', count: 1 });
  });

  test('is for all of a filter too, by its groups; what can’t be decoded is not tried again', async () => {
    const asked = async (act: string, choice: string) =>
      /<h1>([^<]*)<\/h1>/.exec((await ask('/failures/act', { form: { act, choice }, session: operator })).body)?.[1];
    const groups = await store((one) => one.eventGroups({ states: ['dead'], route: 'picky' }, 10));
    expect(groups).toMatchObject({ fitting: 1, groups: [{ event: 'low_balance', state: 'dead' }] });
    const [{ reason = '' } = {}] = groups.groups;
    const own = new URLSearchParams({ route: 'picky', state: 'dead', event: 'low_balance', reason });
    expect(await asked('drop', own.toString())).toBe(`Drop ${groups.count} deliveries?`);
    own.set('event', 'else');
    expect(await asked('drop', own.toString())).toBe('Nothing to do');
    const failures = await store((one) => one.count({ states: ['dead', 'quarantined'] }));
    expect(await asked('retry', '')).toBe(`Retry ${failures} deliveries?`);
    expect(await asked('drop', '')).toBe(`Drop ${failures + 1} deliveries?`);
    expect((await ask('/failures', { session: operator })).body).toContain('All of them:');
    expect((await ask('/failures', { session: reader })).body).not.toContain('All of them:');
  });

  test('drops one notification alone', async () => {
    const { id } = await recordOf('picky', 'dead');
    const form = { act: 'drop', choice: `route=picky&state=dead&id=${id}`, confirmed: 'yes' };
    await ask('/failures/act', { form, session: operator });
    await until(async () => (await deadOn('picky')) === 2, { what: 'the drop' });
    expect((await ask(`/notifications/${id}`, { session: reader })).body).toContain('by page link');
  });

  test('pauses a route, resumes it and probes it', async () => {
    const told = async (act: string) => {
      const { status } = await ask('/routes/crm/act', { form: { act }, session: operator });
      return [status, await lastAct()];
    };
    expect(await told('pause')).toMatchObject([303, { act: 'pause', selection: { route: 'crm' } }]);
    expect((await ask('/routes/crm', { session: reader })).body).toContain('by page link');
    expect(await told('resume')).toMatchObject([303, { act: 'resume' }]);
    expect(await told('probe')).toMatchObject([303, { act: 'probe' }]);
    expect((await ask('/routes/crm/act', { form: { act: 'else' }, session: operator })).status).toBe(400);
  });

  test('replays a span of time, after the count', async () => {
    const form = { since: '2010-01-01', until: '' };
    const asked = await ask('/routes/crm/replay', { form, session: operator });
    const [, count] = /Replay (\d+) on crm\?/.exec(asked.body) ?? [];
    expect(Number(count)).toBeGreaterThan(2);
    const before = stage.receiver.arrivals.length;
    stage.answer = 204;
    const done = await ask('/routes/crm/replay', { form: { ...form, confirmed: 'yes' }, session: operator });
    await until(() => stage.receiver.arrivals.length >= before + Number(count), { what: 'the replay' });
    const shown = async () => (await ask(done.headers.location ?? '', { session: reader })).body;
    await until(async () => / delivered or dead"/.test(await shown()) && !/At least/.test(await shown()), {
      what: 'its end',
    });
    const bar = (label: string) =>
      `<p>${label}</p><progress max="${count}" value="${count}" aria-label="${label}"></progress>`;
    expect(await shown()).toContain(bar(`${count} of ${count} due again`));
    expect(await shown()).toContain(bar(`${count} of ${count} delivered or dead`));
    expect(await shown()).toContain(`<title>Replay on crm: ${count} of ${count} –`);
    const route = await ask('/routes/crm', { session: reader });
    expect(route.body).toContain(`<a href="${done.headers.location}">The latest</a>`);
    expect(route.body).toContain(bar(`${count} of ${count} due again`));
    const audit = await ask('/audit', { session: reader });
    expect(audit.body).toMatch(
      new RegExp(
        `<a href="${done.headers.location}">replay</a>.*>since <time [^>]*>01 Jan 2010</time>, until <time `,
        's',
      ),
    );
    expect(await lastAct()).toMatchObject({ act: 'replay', count: Number(count) });
    const wrong = await ask('/routes/crm/replay', { form: { since: 'soon' }, session: operator });
    expect(wrong.body).toContain('say from when on');
  });

  test('tries a notification on a route, and keeps nothing of it', async () => {
    const before = (await store((one) => one.find({ limit: 100 }))).length;
    const tried = async (route: string, form: object) =>
      (await ask(`/routes/${route}/try`, { form: { ...form }, session: reader })).body;
    expect(await tried('crm', { event: 'voicemail_new' })).toContain('It would be delivered.');
    expect(await tried('picky', { event: 'voicemail_new' })).toContain('is not among events: low_balance');
    expect(await tried('crm', { event: 'voicemail_new', body: hostile })).toContain('could not be decoded');
    expect(await tried('crm', { event: hostile })).toContain('there is no such event');
    expect(await store((one) => one.find({ limit: 100 }))).toHaveLength(before);
    const large = { event: 'voicemail_new', body: 'x'.repeat(3_000_000) };
    expect((await ask('/routes/crm/try', { form: large, session: reader })).status).toBe(413);
  });
});

describe('the login', () => {
  test('sets a cookie that scripts and other sites do not have; a link is good once', async () => {
    const form = new URLSearchParams({ link: await link() });
    const { body } = await ask(`/login?${form}`);
    expect(body).toContain('Log in by this link');
    const { status, headers } = await post('/login', form);
    expect(status).toBe(303);
    expect(headers['set-cookie']?.[0]).toMatch(/^kazoo_relay_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    const again = await post('/login', form);
    expect([again.status, again.headers['set-cookie']]).toEqual([403, undefined]);
    const proxied = await post('/login', new URLSearchParams({ link: await link() }), { 'x-forwarded-proto': 'https' });
    expect(proxied.headers['set-cookie']?.[0]).toMatch(/; Secure$/);
  });

  test('is refused with a wrong password, and to a page of another site', async () => {
    const wrong = new URLSearchParams({ name: 'anna', password: 'guessed' });
    expect((await post('/login', wrong)).status).toBe(403);
    const right = new URLSearchParams({ name: 'anna', password });
    expect((await post('/login', right, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  });

  test('ends with a logout', async () => {
    const session = await login(new URLSearchParams({ name: 'anna', password }));
    expect((await ask('/audit', { session })).status).toBe(200);
    await post('/logout', new URLSearchParams(), { cookie: `kazoo_relay_session=${session}` });
    expect((await ask('/audit', { session })).status).toBe(401);
  });
});

describe('the commands', () => {
  test('user add prints lines of the configuration that let somebody in', async () => {
    const { stdout, code } = await cli(['user', 'add', 'bert', '--role', 'operator'], `${password}\n`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/name: "bert"\n {8}role: operator\n {8}password: "scrypt\$/);
    expect((await cli(['user', 'add', 'bert'], 'short\n')).stderr).toContain('12 characters');
  });
});

interface Asked {
  readonly session?: string;
  readonly form?: object;
  readonly headers?: Record<string, string>;
}

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
}

function ask(path: string, { session, form, headers = {} }: Asked = {}): Promise<Answered> {
  const own = { ...headers, ...(session !== undefined && { cookie: `kazoo_relay_session=${session}` }) };
  return form === undefined ? request(path, { headers: own }) : post(path, new URLSearchParams({ ...form }), own);
}

function post(path: string, form: URLSearchParams, headers: Record<string, string> = {}): Promise<Answered> {
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return request(path, { method: 'POST', body: form.toString(), headers: { ...type, ...headers } });
}

interface Sent {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

function request(path: string, { method = 'GET', body = '', headers = {} }: Sent): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = http.request({ socketPath: stage.listen, path, method, headers, agent: false }, (response) => {
      text(response).then(
        (answered) => resolve({ status: response.statusCode ?? 0, body: answered, headers: response.headers }),
        reject,
      );
    });
    // One that is refused for its size may be cut off while it is sent.
    sent.on('error', reject).end(body);
  });
}

/** The secret of a link. */
async function link(): Promise<string> {
  return new URLSearchParams((await stage.link()).split('?')[1]).get('link') ?? '';
}

async function login(form: URLSearchParams): Promise<string> {
  const { headers } = await post('/login', form);
  return /=([\w-]{43});/.exec(headers['set-cookie']?.[0] ?? '')?.[1] ?? '';
}

function store<T>(work: (opened: OperatorStore) => Promise<T>): Promise<T> {
  return stage.store(work);
}

async function recordOf(route: string, state: 'dead' | 'quarantined') {
  const [record] = await store((one) => one.records({ route, states: [state] }, 0, 1));
  if (record === undefined) throw new Error(`nothing is ${state} on ${route}`);
  return record;
}

async function deadOn(route: string): Promise<number> {
  const groups = await store((one) => one.groups({ route, states: ['dead'] }));
  return groups.reduce((sum, { count }) => sum + count, 0);
}

async function lastAct() {
  return (await store((one) => one.acts(0, 100))).at(-1);
}
