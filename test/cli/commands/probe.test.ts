import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { stringify } from 'yaml';
import { cli, type Result } from '../../support/cli.ts';
import { openJournal } from '../../support/journal.ts';
import { type Receiver, type Reply, startReceiver } from '../../support/receiver.ts';

let folder: string;
const open: Receiver[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-probe-'));
});

afterEach(async () => {
  for (const receiver of open.splice(0)) await receiver.close();
  rmSync(folder, { recursive: true });
});

describe('probe', () => {
  test('shows the request without its secrets, the answer, and that it was delivered', async () => {
    const receiver = await receive(({ headers, path }) => ({
      status: 201,
      headers: { 'x-trace': 't1' },
      body: `thanks for ${path} ${headers.authorization} ${headers['x-key']}`,
    }));
    const { stdout, code } = await probe(['crm', '--event', 'voicemail_new'], {
      url: `${receiver.url}/hooks?token=geheim-1`,
      headers: { 'X-Key': 'geheim-2' },
      auth: { bearer: { token: 'geheim-3' } },
    });
    expect(code).toBe(0);
    expect(stdout).toContain(`request\n  POST ${receiver.url}/hooks?***\n`);
    expect(stdout).toContain('\n  authorization: Bearer ***\n');
    expect(stdout).toContain('\n  x-key: ***\n');
    expect(stdout).toContain('"event":"voicemail_new"');
    expect(stdout).toMatch(/\nanswer\n {2}201\n(?: {2}.*\n)* {2}x-trace: t1\n/);
    expect(stdout).toContain('  thanks for /hooks?*** Bearer *** ***\n');
    expect(stdout).toMatch(/\ndelivered after \d+ ms\n$/);
    expect(stdout).not.toContain('geheim');
  });

  test('marks the notification as a test', async () => {
    const receiver = await receive();
    await probe(['crm'], { url: receiver.url });
    const [arrival] = receiver.arrivals;
    expect(arrival?.headers['x-kazoo-relay-probe']).toBe('true');
    expect(JSON.parse(arrival?.body ?? '')).toMatchObject({
      event: 'low_balance',
      valid: true,
      zone: 'kazoo-relay-probe',
      node: 'kazoo-relay-probe',
      data: { msg_id: expect.stringMatching(/^kazoo-relay-probe-/), node: 'kazoo-relay-probe' },
    });
  });

  test('sends no secret of the example', async () => {
    const receiver = await receive();
    await probe(['crm', '--event', 'new_user'], { url: receiver.url });
    expect(JSON.parse(receiver.arrivals[0]?.body ?? '')).toMatchObject({ data: { password: '[redacted]' } });
  });

  test.each<[Reply, RegExp]>([
    [
      { status: 404, body: 'no \x1b[31msuch hook' },
      /not delivered, after \d+ ms; a route would make it a dead letter: /,
    ],
    [503, /not delivered, after \d+ ms; a route would try again: answered 503/],
    [410, /says "gone" \(410\)/],
  ])('ends with 1 when it wasn’t delivered: %j', async (reply, message) => {
    const receiver = await receive(() => reply);
    const { stdout, code } = await probe(['crm'], { url: receiver.url });
    expect(code).toBe(1);
    expect(stdout).toContain('request\n');
    expect(stdout).toContain('answer\n');
    expect(stdout).toMatch(message);
    expect(stdout).not.toContain('\x1b');
  });

  test('ends with 1 when nobody answers', async () => {
    const receiver = await startReceiver();
    await receiver.close();
    const { stdout, code } = await probe(['crm'], { url: receiver.url });
    expect(code).toBe(1);
    expect(stdout).toMatch(/not delivered, after \d+ ms; a route would try again: no answer: connect ECONNREFUSED/);
    expect(stdout).not.toContain('answer\n');
  });

  test('delivers to a sink that has nothing to show, and says so', async () => {
    const path = join(folder, 'out.ndjson');
    const { stdout, code } = await probe(['crm'], { type: 'file', path });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^delivered after \d+ ms\n$/);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ event: 'low_balance', zone: 'kazoo-relay-probe' });
  });

  test('says when the route wouldn’t take such an event', async () => {
    const receiver = await receive();
    const { stdout, code } = await probe(['crm'], { url: receiver.url }, { events: ['voicemail_new'] });
    expect(code).toBe(0);
    expect(stdout).toContain(
      "The route wouldn't take this low_balance: its event, low_balance, is not among events: voicemail_new",
    );
  });

  test('stands in the audit where there is a journal, delivered or not', async () => {
    const receiver = await receive(() => 503);
    const without = await probe(['crm'], { url: receiver.url });
    expect(without.stderr).toMatch(/^this is not in the audit: there is no journal in /);
    await (await openJournal(folder, pino({ level: 'silent' }))).close();
    const env = { SUDO_USER: 'anna' };
    const { stderr } = await probe(['crm', '--event', 'topup'], { url: receiver.url }, {}, env);
    expect(stderr).toBe('');
    const { stdout } = await cli(['audit', '--json', '--config', join(folder, 'config.yaml')]);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ act: 'probe', who: 'anna', count: 1 },
      selection: { route: 'crm', event: 'topup' },
    });
  });

  test('ends with 2 when there is no such route or event', async () => {
    const missing = await probe(['crn'], { url: 'http://127.0.0.1' });
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain('has no route "crn"; did you mean crm?');
    const unknown = await probe(['crm', '--event', 'low_balnce'], { url: 'http://127.0.0.1' });
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('did you mean low_balance?');
  });

  test('ends with 1 when the sink can’t be opened', async () => {
    const { code, stderr } = await probe(['crm'], { url: 'https://127.0.0.1', tls: { ca: '/nowhere/ca.pem' } });
    expect(code).toBe(1);
    expect(stderr).toContain("the file of tls.ca, /nowhere/ca.pem, can't be read: there is no such file");
  });
});

function probe(
  args: readonly string[],
  sink: { type?: string; [option: string]: unknown },
  route: object = {},
  env: Record<string, string> = {},
): Promise<Result> {
  const file = join(folder, 'config.yaml');
  const config = {
    brokers: [{ zone: 'a', url: 'amqp://127.0.0.1' }],
    journal: { path: folder },
    routes: { crm: { ...route, sink: sink.type === undefined ? { type: 'webhook', proxy: 'none', ...sink } : sink } },
  };
  writeFileSync(file, stringify(config));
  return cli(['probe', ...args, '--config', file], '', env);
}

async function receive(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const receiver = await startReceiver(...args);
  open.push(receiver);
  return receiver;
}
