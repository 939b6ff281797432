import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { EmailSinkOptions } from '../../../src/sinks/email/options.ts';
import { emailSink } from '../../../src/sinks/email/sink.ts';
import { type Sink, SinkUnavailable } from '../../../src/sinks/sink.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';
import { delivery, deliveryFrom, entry } from '../../support/notification.ts';
import { emailOptions, partsOf, startSmtp, type TestSmtp } from '../../support/smtp.ts';
import { until } from '../../support/until.ts';
import { keepsTheContract } from '../contract/contract.ts';
import { email as emailContract, emailPlace } from '../contract/email.ts';

const { signal } = new AbortController();
const context = { route: 'phones', log: pino({ level: 'silent' }) };
let certificates: Certificates;
let server: TestSmtp | undefined;
let sink: Sink | undefined;

beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());
afterEach(async () => {
  await sink?.close();
  await server?.close();
  sink = undefined;
  server = undefined;
});

keepsTheContract(emailContract, () => emailPlace(certificates));

describe('an e-mail', () => {
  test('says who sends it, that a machine does, and which notification it is of, the same each time', async () => {
    const { received } = await begin();
    const urgent = deliveryFrom(entry({ id: '0190-a', event: 'emergency_bridge' }));
    await sink?.deliver([urgent], signal);
    await sink?.deliver([urgent], signal);
    const [first, second] = received.map(({ message }) => partsOf(message).headers);
    expect(Object.fromEntries(first ?? [])).toMatchObject({
      from: 'Phone system <phone@relay.example.com>',
      to: 'noc@example.com',
      subject: expect.stringMatching(/^=\?UTF-8\?.*EMERGENCY_CALL/),
      'message-id': '<0190-a.phones@relay.example.com>',
      'auto-submitted': 'auto-generated',
      'x-auto-response-suppress': 'All',
      'list-id': '<phones.kazoo-relay.relay.example.com>',
      importance: 'high',
      'content-type': expect.stringMatching(/^multipart\/alternative/),
    });
    expect(Math.abs(Date.parse(first?.get('date') ?? '') - Date.now())).toBeLessThan(60_000);
    expect(second?.get('message-id')).toBe(first?.get('message-id'));
  });

  test('goes on a connection that is open, which takes ten of them', async () => {
    const { connected, received } = await begin({}, { connections: 1 });
    for (let number = 0; number < 11; number += 1) await sink?.deliver([delivery(`id${number}`)], signal);
    expect([received.length, connected()]).toEqual([11, 2]);
  });

  test.each([
    ['message', (message: string) => (message.includes('bad') ? '554 no' : undefined)],
    ['recipient', (address: string) => (address.startsWith('bad') ? '550 no' : undefined)],
    ['sender', () => '550 no'],
  ])('goes again on the connection on which another one was refused for its %s', async (what, refuse) => {
    let refuses = true;
    const refusing = (text: string) => (refuses ? refuse(text) : undefined);
    const { connected } = await begin({ [what]: refusing }, { to: ['{data.email}'] });
    const send = async (name: string) =>
      sink?.deliver([deliveryFrom(entry({ data: { name, email: `${name}@example.com` } }))], signal);
    expect(await send('bad')).toMatchObject([{ status: 'dead' }]);
    refuses = false;
    expect(await send('good')).toMatchObject([{ status: 'delivered' }]);
    expect(connected()).toBe(1);
  });
});

describe('an answer of the mail server', () => {
  const field = { to: ['{data.email}'] };
  const byAccount = { to: [], toByAccount: { default: ['noc@example.com'] } };

  test.each<[string, string, Partial<EmailSinkOptions>, object]>([
    [
      'recipient',
      '450 later',
      {},
      { status: 'retry', code: 450, reason: 'the server refuses 1 of 1 recipients (noc@example.com: 450 later)' },
    ],
    ['recipient', '550 no such user', {}, { status: 'dead', code: 550, refused: 'all' }],
    ['recipient', '550 no such user', byAccount, { status: 'dead', code: 550, refused: 'account' }],
    ['recipient', '550 no such user', field, { status: 'dead', code: 550 }],
    [
      'sender',
      '550 not yours',
      {},
      { status: 'dead', code: 550, refused: 'all', reason: expect.stringContaining('correct from, or auth') },
    ],
    ['sender', '451 later', {}, { status: 'retry', code: 451, away: true }],
    ['sender', '552 too large', {}, { status: 'dead', code: 552 }],
    ['message', '452 the disk is full', {}, { status: 'retry', code: 452, away: true }],
    ['message', '554 spam', {}, { status: 'dead', code: 554, reason: 'not taken: 554 spam' }],
  ])('to the %s, %s, counts by its first digit, with %j', async (what, answer, options, expected) => {
    await begin({ [what]: () => answer }, options);
    const [outcome] =
      (await sink?.deliver([deliveryFrom(entry({ data: { email: 'dana@example.com' } }))], signal)) ?? [];
    expect(outcome).toEqual({ reason: expect.any(String), ...expected });
  });

  test.each(['recipient', 'sender', 'message'])('that it goes away (421), to the %s, counts for all', async (what) => {
    await begin({ [what]: () => '421 going away' });
    await expect(sink?.deliver([delivery('1')], signal)).rejects.toThrow(/^smtp:\/\/127.0.0.1:\d+: .*421 going away/);
  });

  test('that it is too large for it counts for that one', async () => {
    await begin({}, {}, { size: 500 });
    expect(await sink?.deliver([delivery('1')], signal)).toMatchObject([
      { status: 'dead', reason: expect.stringContaining('larger than allowed 500') },
    ]);
  });
});

describe('an e-mail of which some recipients are refused', () => {
  const to = ['one@example.com', 'two@example.com', 'three@example.com'];

  test.each([
    ['450 later', { status: 'retry', code: 450 }],
    ['550 no such user', { status: 'dead', code: 550 }],
  ])('(%s) goes to nobody who has it, the next time', async (answer, expected) => {
    let refuses = true;
    const { received } = await begin(
      { recipient: (address) => (refuses && address === to[1] ? answer : undefined) },
      { to },
    );
    const one = delivery('1');
    expect(await sink?.deliver([one], signal)).toEqual([
      { ...expected, reason: `the server refuses 1 of 3 recipients (two@example.com: ${answer})` },
    ]);
    refuses = false;
    expect(await sink?.deliver([one], signal)).toEqual([{ status: 'delivered', code: 250 }]);
    expect(received.map((mail) => mail.to)).toEqual([[to[0], to[2]], [to[1]]]);
    expect(new Set(received.map(({ message }) => partsOf(message).headers.get('to')))).toEqual(
      new Set([to.join(', ')]),
    );
    // Whoever asks for it again wants all to have it again.
    await sink?.deliver([one], signal);
    expect(received[2]?.to).toEqual(to);
  });
});

describe('the login', () => {
  const auth = { user: 'relay', password: 'gehei/m' };

  test('that is refused makes the server away, with the cure, and without the password', async () => {
    await begin({ password: (password) => `535 not ${password}` }, { auth });
    const failure: unknown = await sink?.deliver([delivery('1')], signal).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SinkUnavailable);
    expect(String(failure)).toMatch(
      /the server refuses the login \(535 not .*\): correct auth\.user and auth\.password$/,
    );
    expect(String(failure)).not.toContain(auth.password);
  });

  test('is not tried where the server offers none', async () => {
    await begin({}, { auth }, { disabledCommands: ['AUTH', 'STARTTLS'] });
    await expect(sink?.deliver([delivery('1')], signal)).rejects.toThrow(
      'the server offers no login here: leave auth out',
    );
  });
});

describe('TLS', () => {
  test.each([
    ['smtps', { secure: true }],
    ['smtp', {}],
  ])('of %s:// is spoken with nobody whose certificate is another’s', async (scheme, options) => {
    const { port, received } = await begin({}, {}, { ...certificates.server, ...options });
    const url = `${scheme}://localhost:${port}`;
    const tls = { ...emailOptions.tls, ca: certificates.files.ca };
    sink = await open({ url, starttls: true, tls });
    expect(await sink.deliver([delivery('1')], signal)).toEqual([{ status: 'delivered', code: 250 }]);
    const wrong: readonly (readonly [Partial<EmailSinkOptions['tls']>, RegExp])[] = [
      [{ ca: certificates.files.other }, /tls\.ca names the file/],
      [{ serverName: 'other.test' }, /tls\.serverName is the name/],
      [{ ca: '/nowhere.pem' }, /tls\.ca, \/nowhere\.pem/],
    ];
    for (const [other, reason] of wrong) {
      const opened = await open({ url, starttls: true, tls: { ...tls, ...other } });
      await expect(opened.deliver([delivery('2')], signal)).rejects.toThrow(reason);
    }
    expect(received).toHaveLength(1);
  });

  test('is asked for: nothing is sent to a server without it, unless that is allowed', async () => {
    const { port, received } = await begin();
    const url = `smtp://127.0.0.1:${port}`;
    sink = await open({ url, starttls: true });
    await expect(sink.deliver([delivery('1')], signal)).rejects.toThrow(
      /offers no STARTTLS .*starttls: false for a server on this machine/,
    );
    expect(received).toEqual([]);
  });
});

describe('more than maxPerHour', () => {
  test('wait, and those who get every e-mail are told once', async () => {
    const { received } = await begin(
      { message: (message) => (message.includes('bad') ? '554 no' : undefined) },
      { maxPerHour: 2, to: ['noc@example.com', '{data.email}'] },
    );
    const statuses = [];
    // What reaches nobody counts for nothing.
    for (const id of ['1', 'bad', '2']) statuses.push(...((await sink?.deliver([delivery(id)], signal)) ?? []));
    expect(statuses.map(({ status }) => status)).toEqual(['delivered', 'dead', 'delivered']);
    for (const id of ['3', '4']) {
      const failure: unknown = await sink?.deliver([delivery(id)], signal).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(SinkUnavailable);
      const { message, probeAfter = 0 } = failure as SinkUnavailable; // it is one
      expect(message).toMatch(/^maxPerHour: 2 e-mails went out within an hour, and the next ones wait/);
      expect([probeAfter > 3_000_000, probeAfter <= 3_600_000]).toEqual([true, true]);
    }
    expect(received).toHaveLength(3);
    expect(received[2]?.to).toEqual(['noc@example.com']);
    expect(received[2]?.message).toMatch(/More notifications are waiting; none is lost/);
  });

  test('wait without a word, where nobody gets every e-mail', async () => {
    const { received } = await begin({}, { maxPerHour: 1, to: [], toByAccount: { default: ['a@example.com'] } });
    await sink?.deliver([delivery('1')], signal);
    await expect(sink?.deliver([delivery('2')], signal)).rejects.toThrow('maxPerHour');
    expect(received).toHaveLength(1);
  });
});

describe('of maxPerHour', () => {
  test('an e-mail takes a place that may have arrived, though nobody knows', async () => {
    const { cut } = await begin({}, { maxPerHour: 1 }, { onData: () => cut() });
    await expect(sink?.deliver([delivery('1')], signal)).rejects.toThrow(/closed/);
    await expect(sink?.deliver([delivery('1')], signal)).rejects.toThrow('maxPerHour');
  });

  test('an e-mail takes no place that was not sent', async () => {
    let refuses = true;
    const password = () => (refuses ? '535 no' : undefined);
    await begin({ password }, { maxPerHour: 1, auth: { user: 'u', password: 'p' } });
    await expect(sink?.deliver([delivery('1')], signal)).rejects.toThrow('refuses the login');
    refuses = false;
    expect(await sink?.deliver([delivery('1')], signal)).toMatchObject([{ status: 'delivered' }]);
  });
});

describe('a digest', () => {
  const toByAccount = { a1: ['one@example.com'], b2: ['two@example.com'] };
  const batch = [
    ...['1', '2'].map((id) => deliveryFrom(entry({ id, accountId: 'a1' }))),
    deliveryFrom(entry({ id: '3', accountId: 'b2' })),
  ];

  test('is one e-mail for those whose recipients are the same, with a Message-ID of what is in it', async () => {
    const { received } = await begin({}, { to: [], toByAccount });
    const outcome = { status: 'delivered', code: 250 };
    expect(await sink?.deliverDigest?.(batch, signal)).toEqual([outcome, outcome, outcome]);
    await sink?.deliverDigest?.(batch.toReversed(), signal);
    expect(received.map(({ to }) => to)).toEqual([
      ['one@example.com'],
      ['two@example.com'],
      ['two@example.com'],
      ['one@example.com'],
    ]);
    const [first, second, ...others] = received.map(({ message }) => partsOf(message).headers.get('message-id'));
    expect(first).toMatch(/^<digest\.[0-9a-f]{32}\.phones@relay\.example\.com>$/);
    expect(second).not.toBe(first);
    expect(others).toEqual([second, first]);
    expect(partsOf(received[0]?.message ?? '').headers.get('subject')).toMatch(/2 notifications|2_notifications/);
  });

  test('that fails for some goes to nobody who has it, the next time', async () => {
    let refuses = true;
    const { received } = await begin(
      { recipient: (address) => (refuses && address === 'two@example.com' ? '450 later' : undefined) },
      { to: [], toByAccount },
    );
    const outcomes = (await sink?.deliverDigest?.(batch, signal)) ?? [];
    expect(outcomes.map(({ status }) => status)).toEqual(['delivered', 'delivered', 'retry']);
    refuses = false;
    const again = batch.filter((_, at) => outcomes[at]?.status === 'retry');
    expect(await sink?.deliverDigest?.(again, signal)).toMatchObject([{ status: 'delivered' }]);
    expect(received.map(({ to }) => to)).toEqual([['one@example.com'], ['two@example.com']]);
  });

  test('tells of a notification without an address, and sends the others', async () => {
    const { received } = await begin({}, { to: [], toByAccount: { a1: ['one@example.com'] } });
    expect(await sink?.deliverDigest?.(batch, signal)).toMatchObject([
      { status: 'delivered' },
      { status: 'delivered' },
      { status: 'dead', reason: expect.stringContaining('no address results') },
    ]);
    expect(received.map(({ to }) => to)).toEqual([['one@example.com']]);
  });
});

describe('the email sink', () => {
  test('sends nothing where no address results, and that is fine', async () => {
    const { received } = await begin({}, { to: ['{data.email}'], noAddress: 'skip' });
    expect(await sink?.deliver([delivery('1')], signal)).toEqual([{ status: 'delivered', code: 'no address' }]);
    expect(received).toEqual([]);
  });

  test('makes a dead letter of what no e-mail can be made of, and delivers the others', async () => {
    const { received } = await begin(
      {},
      {
        to: ['{data.email}'],
        template: { subject: '{% for one in (1..99999999) %}{{ one }}{% endfor %}', text: undefined, html: undefined },
      },
    );
    const batch = [deliveryFrom(entry({ data: { email: 'dana@example.com' } })), delivery('2')];
    expect(await sink?.deliver(batch, signal)).toMatchObject([
      { status: 'dead', reason: expect.stringContaining('the template fails') },
      { status: 'dead', reason: expect.stringContaining('no address results') },
    ]);
    expect(received).toEqual([]);
  });

  test('shows what it sends, and the answer, in a probe', async () => {
    const { received } = await begin();
    const report = await sink?.probe?.(delivery('1'), signal);
    expect(report?.request).toMatch(
      /^From: Phone system <phone@relay\.example\.com>\nTo: noc@example\.com\nSubject: ⚠ Low balance.*\nMessage-ID: <1\.phones@/,
    );
    expect(report?.answer).toMatch(/^250 /);
    expect(report?.outcome).toEqual({ status: 'delivered', code: 250 });
    expect(partsOf(received[0]?.message ?? '').headers.get('x-kazoo-relay-probe')).toBe('true');
  });

  test('says what is wrong in a probe', async () => {
    await begin({ password: () => '535 no' }, { auth: { user: 'u', password: 'p' } });
    expect(await sink?.probe?.(delivery('1'), signal)).toMatchObject({
      answer: null,
      outcome: { status: 'retry', reason: expect.stringContaining('refuses the login') },
    });
  });

  test('tests the connection up to the login, and sends nothing', async () => {
    const { port, received } = await begin({ password: (password) => (password === 'right' ? undefined : '535 no') });
    const options = { ...emailOptions, url: `smtp://127.0.0.1:${port}` };
    const testWith = (password: string) =>
      emailSink.connectionTest({ ...options, auth: { user: 'u', password } }, context);
    expect(await testWith('right')).toBe(
      `smtp://127.0.0.1:${port} takes connections and the login of u; nothing was sent`,
    );
    await expect(testWith('wrong')).rejects.toThrow('correct auth.user');
    expect(received).toEqual([]);
  });

  test('waits for a server that doesn’t greet no longer than connectTimeout', async () => {
    const silent = createServer();
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo; // it listens on a port
    sink = await open({ url: `smtp://127.0.0.1:${port}`, connectTimeout: 50 });
    await expect(sink.deliver([delivery('1')], signal)).rejects.toThrow(
      /Greeting never received|not answered for 50 ms|Connection timeout/,
    );
    silent.close();
  });

  test('says goodbye when it is closed', async () => {
    let said = 0;
    const { cut } = await begin(
      {},
      {},
      {
        onClose: () => {
          said += 1;
        },
      },
    );
    await sink?.deliver([delivery('1')], signal);
    await sink?.close();
    await until(() => said === 1, { what: 'the end of the connection' });
    cut();
  });
});

/** Starts a mail server that refuses these, and opens a sink that sends there. */
async function begin(
  refuses: Parameters<typeof startSmtp>[0] = {},
  options: Partial<EmailSinkOptions> = {},
  serverOptions: Parameters<typeof startSmtp>[1] = {},
): Promise<TestSmtp> {
  const started = await startSmtp(refuses, serverOptions);
  server = started;
  sink = await open({ url: `smtp://127.0.0.1:${started.port}`, ...options });
  return started;
}

function open(options: Partial<EmailSinkOptions>): Promise<Sink> {
  return emailSink.open({ ...emailOptions, ...options }, context);
}
