import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createMask } from '../../../src/common/text/secret-mask.ts';
import { nextTry } from '../../../src/delivery/retry.ts';
import { retryAfter } from '../../../src/sinks/http/outcome.ts';
import { SinkUnavailable } from '../../../src/sinks/sink.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { openForTest } from '../../support/open-for-test.ts';
import { type Reply, startReceiver } from '../../support/receiver.ts';
import { runs } from '../../support/runs.ts';

const { receive, webhook } = openForTest();

describe('an answer of', () => {
  test.each([200, 201, 202, 204, 299])('%d means delivered', async (status) => {
    expect(await outcomeOf(status)).toEqual({ status: 'delivered', code: status });
  });

  test.each([
    [408, false],
    [425, false],
    [429, false],
    [500, false],
    [501, false],
    [502, true],
    [503, true],
    [504, true],
    [599, false],
  ])('%d means another try; that the receiver is away: %s', async (status, away) => {
    expect(await outcomeOf({ status, body: 'sorry' })).toEqual({
      status: 'retry',
      reason: `answered ${status}: sorry`,
      code: status,
      ...(away && { away }),
    });
  });

  test.each([
    [400, undefined],
    [401, 'all'],
    [403, 'all'],
    [404, 'all'],
    [405, undefined],
    [409, undefined],
    [422, undefined],
    [451, undefined],
    [499, undefined],
  ])('%d means dead, at once; who may be refused: %s', async (status, refused) => {
    expect(await outcomeOf({ status, body: 'no\r\n\x1b[31msuch thing' })).toEqual({
      status: 'dead',
      reason: `answered ${status}: no [31msuch thing`,
      code: status,
      ...(refused && { refused }),
    });
  });

  test('401, 403 and 404 are about the account where each has a URL of its own', async () => {
    const { url } = await receive(() => 404);
    const sink = await webhook({ url: `${url}/{account_id}` });
    expect(await sink.send()).toMatchObject({ status: 'dead', refused: 'account' });
  });

  test('410 pauses the route for an hour, and says how to go on', async () => {
    const { url } = await receive(() => 410);
    const error: unknown = await (await webhook({ url: `${url}/secret?key=geheim` })).send().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(SinkUnavailable);
    expect(error).toMatchObject({
      probeAfter: 3_600_000,
      message: expect.stringContaining(`${url} says "gone" (410)`),
    });
    expect(String(error)).toContain('change the url and reload');
    expect(String(error)).not.toMatch(/secret|geheim/);
  });

  test('4xx keeps the first kilobyte of its body as the reason, cut at a character', async () => {
    const outcome = await outcomeOf({ status: 400, body: `a${'ü'.repeat(5_000)}` });
    expect(outcome).toMatchObject({ status: 'dead', reason: `answered 400: a${'ü'.repeat(511)}` });
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-24T10:00:00Z');
  const waits = (value: string | string[]) => retryAfter({ headers: { 'retry-after': value } }, now);

  test('may be seconds or a date', () => {
    expect(waits('120')).toBe(now + 120_000);
    expect(waits('Tue, 24 Nov 2026 10:05:00 GMT')).toBe(now + 300_000);
  });

  test('is bounded by the route, and never in the past', () => {
    expect(waits('86400')).toBe(now + 86_400_000);
    expect(nextTry(1, waits('99999999999999999999'), { schedule: [0], maxWait: 5_000 }, now, 1)).toBe(now + 5_000);
    expect(nextTry(1, waits('9'.repeat(400)), { schedule: [0], maxWait: 5_000 }, now, 1)).toBe(now + 5_000);
    expect(waits('Tue, 24 Nov 2020 10:05:00 GMT')).toBe(now);
  });

  test.each(['', 'soon', '-1', '1.5', 'Infinity', 'Never, 99'])('that says %j says nothing', (value) => {
    expect(waits(value)).toBeUndefined();
  });

  test('that is there twice counts once, and it is the first', async () => {
    expect(waits(['120', '600'])).toBe(now + 120_000);
    const outcome = await outcomeOf({ status: 503, headers: { 'retry-after': ['100', '7'] } });
    expect(outcome).toMatchObject({
      status: 'retry',
      reason: 'answered 503',
      code: 503,
      notBefore: expect.any(Number),
    });
  });

  test.each([429, 503, 500])('is honoured with %d', async (status) => {
    const before = Date.now();
    const outcome = await outcomeOf({ status, headers: { 'retry-after': '100' } });
    const notBefore = outcome?.status === 'retry' ? (outcome.notBefore ?? 0) : 0;
    expect(notBefore).toBeGreaterThanOrEqual(before + 100_000);
    expect(notBefore).toBeLessThanOrEqual(Date.now() + 100_000);
  });
});

describe('a redirect', () => {
  test.each([301, 302, 303, 307, 308, 304])('of %d is not followed, and means dead', async (status) => {
    const other = await receive();
    const outcome = await outcomeOf({ status, headers: { location: `${other.url}/?key=geheim` } });
    expect(outcome).toEqual({
      status: 'dead',
      reason: `answered ${status} (a redirect that is not followed: name its target as the url)`,
      code: status,
    });
    expect(other.arrivals).toEqual([]);
  });

  test.each([307, 308])('of %d is followed on the same host, where the configuration allows it', async (status) => {
    const receiver = await receive(({ path }) => (path === '/a' ? { status, headers: { location: '/b?c' } } : 200));
    const sink = await webhook({ url: `${receiver.url}/a`, redirects: 1, auth: { bearer: { token: 't' } } });
    expect(await sink.send()).toMatchObject({ status: 'delivered' });
    const [first, second] = receiver.arrivals;
    expect(second).toMatchObject({ method: 'POST', path: '/b?c', body: first?.body });
    expect(second?.headers.authorization).toBe('Bearer t');
  });

  test('that would make a GET of a POST is not followed: the notification would be lost', async () => {
    const receiver = await receive(({ path }) => (path === '/' ? { status: 302, headers: { location: '/b' } } : 200));
    expect(await (await webhook({ url: receiver.url, redirects: 5 })).send()).toMatchObject({
      status: 'dead',
      code: 302,
    });
    expect(receiver.arrivals).toHaveLength(1);
  });

  test('to another host is never followed', async () => {
    const other = await receive();
    const receiver = await receive(() => ({ status: 307, headers: { location: other.url } }));
    expect(await (await webhook({ url: receiver.url, redirects: 5 })).send()).toMatchObject({
      status: 'dead',
      code: 307,
    });
    expect(other.arrivals).toEqual([]);
  });

  test('to another port of the host carries nothing that says who we are', async () => {
    const certificates = await makeCertificates();
    const other = await receive(() => 200, { tls: certificates.server });
    const location = other.url.replace('127.0.0.1', 'localhost');
    const receiver = await receive(() => ({ status: 307, headers: { location } }));
    const url = receiver.url.replace('127.0.0.1', 'localhost');
    const headers = { Cookie: 'geheim', 'X-Tenant': 'geheim', 'Content-Type': 'text/json' };
    const signature = { secrets: [`whsec_${Buffer.alloc(24, 'a').toString('base64')}`] };
    const common = { url, redirects: 1, headers, signature, tls: { ca: certificates.files.ca } };
    for (const auth of [{ bearer: { token: 'geheim' } }, { basic: { user: 'me', password: 'geheim' } }]) {
      expect(await (await webhook({ ...common, auth })).send()).toMatchObject({ status: 'delivered' });
    }
    certificates.remove();
    const secret = ['authorization', 'cookie', 'x-tenant', 'webhook-signature'];
    for (const arrival of receiver.arrivals)
      expect(Object.keys(arrival.headers)).toEqual(expect.arrayContaining(secret));
    expect(other.arrivals).toHaveLength(2);
    for (const [index, { headers: given, body }] of other.arrivals.entries()) {
      expect(secret.filter((name) => name in given)).toEqual([]);
      expect(given['content-type']).toBe('text/json');
      expect(body).toBe(receiver.arrivals[index]?.body);
    }
  });

  test('that leads in a circle ends', async () => {
    const receiver = await receive(() => ({ status: 307, headers: { location: '/' } }));
    expect(await (await webhook({ url: receiver.url, redirects: 5 })).send()).toMatchObject({
      status: 'dead',
      code: 307,
    });
    expect(receiver.arrivals).toHaveLength(6);
  });
});

describe('no answer', () => {
  test('because nobody listens means another try, and that the receiver is away', async () => {
    const receiver = await startReceiver();
    await receiver.close();
    expect(await (await webhook({ url: `${receiver.url}/?key=geheim` })).send()).toEqual({
      status: 'retry',
      reason: `no answer: connect ECONNREFUSED 127.0.0.1:${receiver.port}`,
      code: 'ECONNREFUSED',
      away: true,
    });
  });

  test('because the name has no address means the same', async () => {
    const outcome = await (await webhook({ url: 'http://receiver.invalid/' })).send();
    expect(outcome).toMatchObject({ status: 'retry', code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/), away: true });
  });

  test('within the time it has means the same', async () => {
    const receiver = await receive(() => new Promise<Reply>(() => undefined));
    const sink = await webhook({ url: receiver.url, timeout: { total: '50ms' } });
    expect(await sink.send()).toEqual({
      status: 'retry',
      reason: 'no answer within 50 ms',
      code: 'ETIMEDOUT',
      away: true,
    });
  });
});

describe('secrets', () => {
  test('that a receiver sends back appear in no reason', async () => {
    const receiver = await receive(({ path, headers, body }) => ({
      status: 400,
      body: `no: ${path} ${JSON.stringify(headers)} ${body.slice(0, 10)} ${encodeURIComponent(String(headers['x-key']))}`,
    }));
    const sink = await webhook({
      url: `${receiver.url}/services/T00000000/B0000000?token=geheim-1&other=a%20b`,
      headers: { 'X-Key': 'geheim "2"' },
      auth: { basic: { user: 'me', password: 'geheim-3' } },
      signature: { secrets: [`whsec_${Buffer.from('geheim-4-geheim-4-geheim-4').toString('base64')}`] },
    });
    const outcome = await sink.send();
    expect(outcome).toMatchObject({ status: 'dead', reason: expect.stringContaining('answered 400: no: ***?***') });
    expect(JSON.stringify(outcome)).not.toMatch(/geheim|T0000|a%20b/);
    expect(JSON.stringify(outcome)).not.toContain(Buffer.from('me:geheim-3').toString('base64'));
  });
});

/** How receivers write what they were sent. */
const notations: readonly ((text: string) => string)[] = [
  (text) => JSON.stringify(text).slice(1, -1),
  (text) => JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
  (text) =>
    JSON.stringify(text)
      .slice(1, -1)
      .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  encodeURIComponent,
  (text) => encodeURIComponent(text).replaceAll('%20', '+'),
  (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
];

describe('a mask', () => {
  const mask = createMask(() => ['geheim "1" & more', 'geheim', 'ab', '']);

  test.each([
    ['geheim "1" & more', '***'],
    ['a geheim b', 'a *** b'],
    ['in JSON {"key":"geheim \\"1\\" & more"}', 'in JSON {"key":"***"}'],
    ['in a URL ?key=geheim%20%221%22%20%26%20more', 'in a URL ?key=***'],
    ['in a form key=geheim+%221%22+%26+more', 'in a form key=***'],
    ['in HTML <b>geheim &quot;1&quot; &amp; more</b>', 'in HTML <b>***</b>'],
    ['cut off in the middle of gehei', 'cut off in the middle of ***'],
    ['cut off in an escape of geheim%2', 'cut off in an escape of ***'],
    ['ab is too short to be one', 'ab is too short to be one'],
    ['% & \\ + and what else %5C &amp; may stand there', '% & \\ + and what else %5C &amp; may stand there'],
  ])('makes of %j %j', (text, expected) => {
    expect(mask(text)).toBe(expected);
  });

  test('finds a secret in each notation, and in one within another', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'\\\\%25&amp;<>"\'+/ \nun5cä😀') }),
    );
    fc.assert(
      fc.property(text, fc.array(fc.constantFrom(...notations), { maxLength: 4 }), (middle, written) => {
        const secret = `q${middle}zz`.toWellFormed();
        const said = written.reduce((said, write) => write(said), secret);
        expect(createMask(() => ['other', secret])(`(${said})`)).toBe('(***)');
      }),
      runs(1_000),
    );
  });

  test('finds a secret in base64, whatever stands before and behind it, and where it is cut off', () => {
    const around = fc.string({ maxLength: 4 });
    fc.assert(
      fc.property(around, fc.string({ minLength: 3 }), around, (before, middle, behind) => {
        const secret = `q${middle}zz`;
        const mask = createMask(() => [secret]);
        for (const notation of ['base64', 'base64url'] as const) {
          const said = Buffer.from(`${before}${secret}${behind}`).toString(notation);
          const start = Math.ceil((Buffer.byteLength(before) * 4) / 3);
          const end = Math.floor((Buffer.byteLength(before + secret) * 4) / 3);
          // A plus at its ends counts as a space.
          const hidden = `${RegExp.escape(said.slice(0, start))}\\+*\\*{3}`;
          const rest = `\\+*${RegExp.escape(said.slice(end))}`;
          expect(mask(said)).toMatch(new RegExp(`^${hidden}${rest}$`));
          expect(mask(JSON.stringify({ said }))).toMatch(new RegExp(`^{"said":"${hidden}${rest}"}$`));
          expect(mask(said.slice(0, end - 1))).toMatch(new RegExp(`^${hidden}$`));
        }
      }),
      runs(300),
    );
  });

  test('leaves a text without a secret as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(createMask(() => ['not in there'])(text)).toBe(text);
      }),
      runs(200),
    );
  });
});

async function outcomeOf(reply: Reply) {
  const { url } = await receive(() => reply);
  return (await webhook({ url })).send();
}
