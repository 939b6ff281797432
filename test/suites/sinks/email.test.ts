import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import pino from 'pino';
import type { EmailSinkOptions } from '../../../src/sinks/email/options.ts';
import { emailSink } from '../../../src/sinks/email/sink.ts';
import { type Sink, SinkUnavailable } from '../../../src/sinks/sink.ts';
import { startExim, type TestExim } from '../../support/exim.ts';
import { delivery, deliveryFrom, entry } from '../../support/notification.ts';
import { emailOptions, partsOf } from '../../support/smtp.ts';
import { until } from '../../support/until.ts';

const { signal } = new AbortController();
const context = { route: 'phones', log: pino({ level: 'silent' }) };
const auth = { user: 'relay', password: 'geheim' };
let server: TestExim;
let sink: Sink | undefined;

beforeAll(async () => {
  server = await startExim();
});
afterAll(() => server.close());
afterEach(async () => {
  await sink?.close();
  sink = undefined;
});

test('Exim keeps an e-mail for each recipient, as it was meant', async () => {
  const text = `.\n..two dots\n${'long '.repeat(400)}\nüñ €\n`;
  const template = { subject: '🚨 {{ data.name }}', text, html: undefined };
  await open({ to: ['one@example.com', 'Two <two@example.com>'], template });
  expect(await sink?.deliver([deliveryFrom(entry({ id: 'whole', data: { name: 'Köln' } }))], signal)).toEqual([
    { status: 'delivered', code: 250 },
  ]);
  const kept = await keptOf('whole', 2);
  expect(kept.map(({ recipient }) => recipient).sort()).toEqual(['one@example.com', 'two@example.com']);
  const { headers, body } = partsOf(kept[0]?.message ?? '');
  expect(headers.get('to')).toBe('one@example.com, Two <two@example.com>');
  expect(headers.get('content-transfer-encoding')).toBe('quoted-printable');
  expect(quotedPrintable(body)).toBe(text);
});

test('Exim delivers each of many e-mails at once, and once', async () => {
  await open({});
  const ids = Array.from({ length: 60 }, (_, at) => `many-${at}`);
  const deliverNext = async (waiting: string[]) => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop())
      expect(await sink?.deliver([delivery(id)], signal)).toEqual([{ status: 'delivered', code: 250 }]);
  };
  const waiting = [...ids];
  await Promise.all([deliverNext(waiting), deliverNext(waiting)]);
  for (const id of ids) await keptOf(id, 1);
});

test('Exim’s refusals are those of one recipient, and what it defers comes once', async () => {
  await open({ to: ['one@example.com', 'grey@example.com', 'nobody@example.com'] });
  const one = delivery('grey');
  server.greylist(true);
  expect(await sink?.deliver([one], signal)).toMatchObject([
    {
      status: 'retry',
      code: 451,
      reason: expect.stringMatching(/refuses 2 of 3 .*grey@example.com: 451 come back later; nobody@/),
    },
  ]);
  server.greylist(false);
  expect(await sink?.deliver([one], signal)).toEqual([
    {
      status: 'dead',
      code: 550,
      reason: 'the server refuses 1 of 3 recipients (nobody@example.com: 550 no such user)',
    },
  ]);
  expect((await keptOf('grey', 2)).map(({ recipient }) => recipient).sort()).toEqual([
    'grey@example.com',
    'one@example.com',
  ]);
});

test('Exim lets in who has the password, over TLS, and nobody else', async () => {
  await open({ auth: { ...auth, password: 'wrong' } });
  await expect(sink?.deliver([delivery('1')], signal)).rejects.toThrow(/refuses the login \(535 .*correct auth\.user/);
  await sink?.close();
  await open({ starttls: false });
  await expect(sink?.deliver([delivery('1')], signal)).rejects.toThrow('the server offers no login here');
  await sink?.close();
  await open({ auth: undefined });
  expect(await sink?.deliver([delivery('1')], signal)).toMatchObject([
    { status: 'dead', reason: expect.stringContaining('log in first') },
  ]);
  expect(await emailSink.connectionTest(options({}), context)).toMatch(/takes connections and the login of relay/);
});

test('Exim gets e-mails again after it was away', async () => {
  await open({});
  await server.stop();
  await expect(sink?.deliver([delivery('after')], signal)).rejects.toThrow(SinkUnavailable);
  await server.start();
  expect(await sink?.deliver([delivery('after')], signal)).toEqual([{ status: 'delivered', code: 250 }]);
  await keptOf('after', 1);
});

function options(own: Partial<EmailSinkOptions>): EmailSinkOptions {
  const tls = { ...emailOptions.tls, ca: server.certificate };
  return { ...emailOptions, url: `smtp://localhost:${server.port}`, starttls: true, auth, tls, ...own };
}

async function open(own: Partial<EmailSinkOptions>): Promise<void> {
  sink = await emailSink.open(options(own), context);
}

/** Waits until there are as many of that e-mail as there are to be. */
async function keptOf(id: string, count: number) {
  const found = () => server.delivered().filter(({ message }) => message.includes(`Message-ID: <${id}.phones@`));
  await until(() => found().length >= count, { what: `${count} of ${id}` });
  expect(found()).toHaveLength(count);
  return found();
}

function quotedPrintable(text: string): string {
  const bytes = text
    .replace(/=\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
