import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { reasonOf } from '../../../src/common/errors.ts';
import { askDaemon } from '../../../src/ops/control.ts';
import type { Status } from '../../../src/ops/status.ts';
import { cli, cliProcess } from '../../support/cli.ts';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { openJournalReader } from '../../support/journal.ts';
import { publishAsKazoo } from '../../support/kazoo.ts';
import { type BreakableBroker, shareBreakableBroker } from '../../support/rabbitmq.ts';
import { until } from '../../support/until.ts';

let broker: BreakableBroker;
let folder: string;
let config: string;
let daemon: Daemon | undefined;

beforeAll(async () => {
  broker = await shareBreakableBroker();
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-status-'));
  config = join(folder, 'config.yaml');
  const routes = {
    archive: { sink: { type: 'file', path: join(folder, 'archive.ndjson') } },
    broken: { sink: { type: 'file', path: folder } },
    summary: {
      digest: { every: '1d' },
      sink: { type: 'webhook', preset: 'slack', url: 'http://127.0.0.1:1' },
    },
  };
  const brokers = [{ zone: 'west', url: broker.url }];
  const http = { listen: '127.0.0.1:0' };
  writeFileSync(config, stringify({ brokers, journal: { path: join(folder, 'journal') }, routes, http }));
});

afterAll(async () => {
  await daemon?.end('SIGKILL');
  await broker.close();
  rmSync(folder, { recursive: true });
});

describe('status', () => {
  test('says that there is no journal yet', async () => {
    const { code, stderr } = await cli(['status', '--config', config]);
    expect(code).toBe(2);
    expect(stderr).toContain('there is no journal in');
  });

  test.each([
    ['a status', 'status', (text: string) => JSON.stringify({ running: true, pid: text, routes: [{ name: text }] })],
    ['an error', 'reload', (text: string) => JSON.stringify({ error: text })],
    ['no JSON', 'live', (text: string) => text],
  ] as const)('lets what answers on the daemon’s socket with %s steer no terminal', async (_what, question, answer) => {
    const planted = mkdtempSync(join(tmpdir(), 'kazoo-relay-planted-'));
    const steering = '\u001b]0;x\u0007\u009b31m\u202e';
    await using server = createServer((socket) => socket.once('data', () => socket.end(answer(steering))));
    server.listen(join(planted, 'control.sock'));
    await once(server, 'listening');
    const said = await askDaemon(planted, question).catch(reasonOf);
    const texts = typeof said === 'string' ? [said] : JSON.stringify(said).match(/[^"]+/g);
    rmSync(planted, { recursive: true });
    expect(texts?.join()).not.toMatch(/[^\x20-\x7e]|[^\\]\\u00/);
  });

  test('says what to do where this user may not ask the daemon', async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0 });
    const env = { KAZOO_RELAY_JOURNAL_PATH: closed };
    const { code, stderr } = await cliProcess(['status', '--config', config], { env, privileged: false });
    const [uid, gid] = [process.getuid?.(), process.getgid?.()];
    const whose = `${closed} is owned by ${uid}:${gid} with mode 0000, this is ${uid}:${gid}`;
    expect(stderr).toBe(
      `kazoo-relay: the daemon can't be asked through ${closed}/control.sock: permission denied (${whose}); use sudo, or the user that the daemon runs as\n`,
    );
    expect(code).toBe(2);
  });

  test('shows brokers, journal and routes of the daemon that runs', async () => {
    daemon = startDaemon(config);
    await daemon.says('consuming');
    await publishAsKazoo(broker.url, 3);
    await publishAsKazoo(broker.url, 1, { 'Current-Balance': 'much' });
    await until(async () => (await status()).journal.messages === 4, { what: 'all in the journal' });
    await until(async () => (await status()).routes[0]?.lag?.messages === 0, { what: 'the archive to catch up' });
    // The counts of the last hour may be as old as they are costly.
    await until(async () => (await status()).routes[0]?.delivered?.last_hour === 3, { what: 'what was delivered' });
    await until(async () => (await status()).routes[2]?.waiting === 3, { what: 'the digest to collect' });
    await until(async () => (await status()).routes[1]?.circuit?.state === 'open', { what: 'the open circuit' });
    await until(async () => (await status()).http?.open, { what: 'the open HTTP port' });
    expect(statSync(join(folder, 'journal', 'control.sock')).mode & 0o777).toBe(0o600);
    const { running, pid, brokers, journal, routes } = await status();
    expect({ running, pid }).toEqual({ running: true, pid: daemon.process.pid });
    expect(brokers).toMatchObject([{ zone: 'west', state: 'consuming', received: 4, paused: false, reason: null }]);
    expect(brokers?.[0]?.rate).toBeGreaterThan(0);
    expect(journal).toMatchObject({ messages: 4, undecodable: 0, max_bytes: 10 * 2 ** 30 });
    expect(journal.used_bytes).toBeGreaterThan(0);
    expect(journal.used_bytes).toBeLessThan(journal.bytes ?? 0);
    expect(routes).toMatchObject([
      {
        name: 'archive',
        sink: 'file',
        delivered: { last_hour: 3, latest: expect.any(String) },
        quarantined: 1,
        dead: 0,
        waiting: 0,
        circuit: { state: 'closed' },
      },
      { name: 'broken', lag: { messages: 4 }, circuit: { reason: expect.stringContaining("can't be written") } },
      { name: 'summary', lag: { messages: 0 }, waiting: 3, collecting: 3, circuit: { state: 'closed' } },
    ]);
    const { stdout } = await cli(['status', '--config', config]);
    expect(stdout).toMatch(/running, pid \d+/);
    expect(stdout).toMatch(/^archive +file +3 +\d+ +\d+ s ago +0 /m);
    expect(stdout).toMatch(/^Journal .*: ([\d.]+ KiB) of 10\.0 GiB \((?!\1)[\d.]+ [KM]iB on disk\), 4 notif/m);
    expect(stdout).toMatch(/^summary +webhook .* collecting$/m);
    const { stdout: why } = await cli(['why', '--event', 'low_balance', '--config', config]);
    expect(why).toMatch(/^ +summary +waiting for its digest, due \S+( \S+)?$/m);
    expect(stdout).toMatch(/HTTP +127\.0\.0\.1:[1-9]\d+$/m);
    expect(stdout).toMatch(/west +127\.0\.0\.1:\d+ +test-\S+ +consuming/);
    expect(stdout).toMatch(
      /broken +file +0 +0 +- +4 \(\d+ s\).*sink away\n.*\nthe sink of broken is away since \S+ \(for \d+ s\): .* can't be written/s,
    );
  });

  test('shows that a broker is away, and why; and the journal keeps for how long', async () => {
    const before = Date.now();
    await broker.stop();
    await until(async () => (await status()).brokers?.[0]?.state === 'away', { what: 'the broker to be missed' });
    expect((await status()).brokers?.[0]?.reason).toBeTruthy();
    await broker.start();
    await until(async () => (await status()).brokers?.[0]?.state === 'consuming', { what: 'the broker to be back' });
    const journal = await openJournalReader(join(folder, 'journal'));
    const outages = () => journal.outages(before, Date.now());
    await until(async () => (await outages())[0]?.until, { what: 'the end of the outage to be written' });
    expect(await outages()).toMatchObject([{ zone: 'west', broker: expect.stringMatching(/^127.0.0.1:\d+$/) }]);
    await journal.close();
  });

  test('shows a route whose journal can’t be read as interrupted, and why', async () => {
    rename('deliveries', 'hidden');
    rename('delivery_totals', 'hidden_totals');
    const asked = async () => (await askDaemon(join(folder, 'journal'), 'status')) as Status;
    const interrupted = async () => (await asked()).routes.map((route) => route.interrupted !== null);
    await until(async () => (await interrupted()).every(Boolean), { what: 'the routes to be interrupted' });
    // A route may come upon it while it reads, or while it writes.
    const reason = expect.stringMatching(/journal\.sqlite can't be (read|written): no such table: .*deliver/);
    const { journal, routes } = await asked();
    expect(journal).toMatchObject({ bytes: null, messages: null, reason });
    expect(routes).toMatchObject([
      { name: 'archive', lag: null, dead: null, interrupted: reason },
      { name: 'broken', interrupted: reason },
      { name: 'summary' },
    ]);
    const { stdout, code } = await cli(['status', '--config', config]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Journal .*\n +the journal .*can't be read: no such table/);
    expect(stdout).toMatch(
      /archive +file +3 +\d+ +\d+ s ago +- +0 +- +- +- +interrupted\n.*\narchive is interrupted: the journal .*can't be (read|written)/s,
    );
    const ready = await cli(['status', '--check', 'ready', '--config', config]);
    expect(ready).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/the route archive is interrupted: the journal/),
    });
    rename('hidden', 'deliveries');
    rename('hidden_totals', 'delivery_totals');
    await until(async () => !(await interrupted()).some(Boolean), { what: 'the routes to go on' });
    expect((await asked()).journal).toMatchObject({ messages: 4, reason: null });
  });

  test('shows what the journal knows where no daemon runs, also after it was killed', async () => {
    await daemon?.end('SIGKILL');
    const { running, brokers, routes } = await status();
    expect({ running, brokers }).toEqual({ running: false, brokers: null });
    expect(routes).toMatchObject([
      { name: 'archive', lag: { messages: 0 }, circuit: null },
      { name: 'broken' },
      { name: 'summary' },
    ]);
    {
      using database = new DatabaseSync(join(folder, 'journal', 'journal.sqlite'));
      database.exec(`INSERT INTO facts VALUES ('evicted_undecodable', 3), ('evicted_known', 4), ('evicted_since', 0)`);
    }
    const { stdout, code } = await cli(['status', '--config', config]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^no daemon runs; .*\n\nDaemon +not running\n/);
    expect(stdout).toMatch(
      /^ +\d+ B of 2\.5 GiB are undecodable or invalid; 7 of them were removed since 1970-01-01T\S+, .*: 3 undecodable, 0 of unknown ev.* 4 of/m,
    );
  });

  test('tells on a terminal of 80 columns what an operator looks for first, however large the numbers are', async () => {
    const routes = (await status()).routes.map((route) => ({
      ...route,
      lag: { messages: 1_234_567, seconds: 86_400 * 30 },
      ...{ waiting: 123_456, dead: 12_345, quarantined: 1_234 },
      delivered: { last_hour: 123_456, today: 2_345_678, latest: new Date(Date.now() - 5_940_000).toISOString() },
    }));
    const answer = { ...(await status()), running: true, pid: 1, routes };
    await using server = createServer((socket) =>
      socket.once('data', (question) => socket.end(question.toString() === 'status\n' ? JSON.stringify(answer) : '[]')),
    );
    // The killed daemon has left its own.
    rmSync(join(folder, 'journal', 'control.sock'));
    server.listen(join(folder, 'journal', 'control.sock'));
    await once(server, 'listening');
    const shown = async (...args: string[]) =>
      (await cli(['status', '--config', config, ...args], '', {}, { columns: 80 })).stdout.split('\n');
    const lines = await shown();
    expect(lines.filter((line) => line.length > 80 && line.trim().includes(' '))).toEqual([]);
    const at = lines.findIndex((line) => line.startsWith('ROUTE'));
    expect(lines.slice(at, at + 2).map((line) => line.split(/ {2,}/))).toEqual([
      ['ROUTE', 'LAST H', 'TODAY', 'LATEST', 'LAG', 'WAITING', 'QUARANTINED', 'DEAD', 'STATE'],
      ['archive', '123k', '2345k', '99 min', '1234k (30 d)', '123k', '1234', '12k', '-'],
    ]);
    expect((await shown('--wide')).find((line) => line.startsWith('archive'))).toMatch(
      /^archive +file +123456 +2345678 +99 min ago +1234567 \(30 d\) +- +123456 +1234 +12345 +-$/,
    );
  });
});

function rename(table: string, to: string): void {
  const database = new DatabaseSync(join(folder, 'journal', 'journal.sqlite'), { timeout: 5_000 });
  database.exec(`ALTER TABLE ${table} RENAME TO ${to}`);
  database.close();
}

async function status(): Promise<Status> {
  const { stdout } = await cli(['status', '--config', config, '--json']);
  return JSON.parse(stdout) as Status;
}
