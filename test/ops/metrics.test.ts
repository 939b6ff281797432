import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Channel } from 'amqplib';
import { metrics } from '../../src/ops/metrics.ts';
import type { Status } from '../../src/ops/status.ts';
import { cli } from '../support/cli.ts';
import { ask, httpAddress, samples, total } from '../support/http.ts';
import { onChannel, publishAsKazoo } from '../support/kazoo.ts';
import { promtool } from '../support/prometheus.ts';
import { type SharedBroker, shareBroker } from '../support/rabbitmq.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

let broker: SharedBroker;
let receiver: Receiver;
let relay: TestRelay;
let at: string;

beforeAll(async () => {
  broker = await shareBroker();
  receiver = await startReceiver(({ body }) => (JSON.parse(body).event === 'low_balance' ? 200 : 422));
  relay = testRelay(broker.url, (path) => ({
    http: { listen: '127.0.0.1:0' },
    intake: { watch: { interval: '100ms' } },
    routes: {
      archive: { sink: { type: 'file', path: path('archive.ndjson') } },
      broken: { sink: { type: 'file', path: path('.') } },
      crm: { retry: { schedule: ['10ms'] }, sink: { type: 'webhook', url: receiver.url } },
    },
  }));
  relay.start();
  at = await httpAddress(relay.daemon);
  await relay.daemon.says('consuming');
});

afterAll(async () => {
  await relay.close();
  await receiver.close();
  await broker.close();
});

describe('/metrics', () => {
  test('counts what came in by zone, event and outcome, and what went out by route', async () => {
    await publishAsKazoo(broker.url, 3);
    await publishAsKazoo(broker.url, 2, { 'Call-ID': 'c@example.com', 'Server-ID': 's1' });
    await publishAsKazoo(broker.url, 1, { 'Current-Balance': 'much' });
    await publishAsKazoo(broker.url, 1, { Preview: true });
    await publishBytes('no JSON', '{"Event-Name":"low_balance"', '"text"');
    const twice = JSON.stringify({ 'Event-Name': 'top_up', 'Msg-ID': 'twice' });
    await publishBytes(twice, twice);
    for (const name of ['a', 'b', 'c']) await publishAsKazoo(broker.url, 1, { 'Event-Name': `${name}"}\n${name}` });
    await settled(15);
    // The daemon tells of the dead letters by one of its own, which is in the journal beside those that came.
    const entries = async () => total(await text(), 'kazoo_relay_journal_entries');
    await until(async () => (await entries()) === 15, { what: 'what the daemon tells of itself' });

    const page = await text();
    const count = (event: string, outcome: string) =>
      total(page, 'kazoo_relay_notifications_total', { zone: 'west', event, outcome });
    expect(count('low_balance', 'valid')).toBe(4);
    expect(count('low_balance', 'resend')).toBe(1);
    expect(count('low_balance', 'invalid')).toBe(1);
    expect(count('low_balance', 'preview')).toBe(1);
    expect(count('unknown', 'undecodable')).toBe(3);
    expect(count('topup', 'duplicate')).toBe(1);
    expect(total(page, 'kazoo_relay_notifications_total')).toBe(15);
    expect(total(page, 'kazoo_relay_intake_latency_seconds_count')).toBe(14);
    expect(total(page, 'kazoo_relay_publish_latency_seconds_bucket', { le: '+Inf' })).toBe(14);
    expect(total(page, 'kazoo_relay_validation_problems_total', { event: 'low_balance', keyword: 'type' })).toBe(1);
    expect(total(page, 'kazoo_relay_validation_problems_total', { event: 'unknown', keyword: 'json' })).toBe(2);

    expect(total(page, 'kazoo_relay_delivery_attempts_total', { route: 'crm', outcome: 'delivered' })).toBe(4);
    expect(total(page, 'kazoo_relay_delivery_latency_seconds_count', { route: 'crm' })).toBe(4);
    const batches = total(page, 'kazoo_relay_batch_duration_seconds_count', { route: 'crm' });
    expect(batches).toBeGreaterThan(0);
    expect(total(page, 'kazoo_relay_attempt_duration_seconds_count', { route: 'crm' })).toBe(batches);
    const dead = total(page, 'kazoo_relay_delivery_attempts_total', { route: 'crm', outcome: 'dead' });
    expect(dead).toBeGreaterThan(0);
    expect(total(page, 'kazoo_relay_delivery_failures_total', { route: 'crm', code: '422' })).toBe(dead);
    expect(total(page, 'kazoo_relay_delivery_failures_total', { route: 'crm' })).toBe(dead);
    expect(total(page, 'kazoo_relay_dead_letters_total', { route: 'crm' })).toBe(dead);
    expect(total(page, 'kazoo_relay_deliveries_dead', { route: 'crm' })).toBe(dead);
    expect(total(page, 'kazoo_relay_deliveries_quarantined', { route: 'archive' })).toBeGreaterThan(0);
    expect(total(page, 'kazoo_relay_circuit_state', { route: 'broken', state: 'closed' })).toBe(0);
    expect(total(page, 'kazoo_relay_circuit_openings_total', { route: 'broken' })).toBe(1);
    expect(total(page, 'kazoo_relay_lag_messages', { route: 'broken' })).toBe(15);
    expect(total(page, 'kazoo_relay_journal_undecodable')).toBe(3);
    expect(total(page, 'kazoo_relay_stuck')).toBe(0);
    const kinds = (event: string) => total(page, 'kazoo_relay_drift_kinds', { event });
    expect(kinds('low_balance')).toBe(1);
    expect(kinds('unknown')).toBe(1);
    expect(kinds('topup')).toBeGreaterThan(0);
    const newest = total(page, 'kazoo_relay_drift_newest_kind_timestamp_seconds', { event: 'low_balance' });
    expect(Math.abs(newest - Date.now() / 1_000)).toBeLessThan(600);
  });

  test('counts equal messages as duplicates only where their message ids are equal too', async () => {
    const count = async (outcome: string) =>
      total(await text(), 'kazoo_relay_notifications_total', { event: 'topup', outcome });
    const before = [await count('invalid'), await count('duplicate')];
    const body = JSON.stringify({ 'Event-Name': 'top_up', 'Msg-ID': 'equal' });
    await publishBytes(...['a', 'b', 'a'].map((messageId) => ({ body, messageId })));
    await settled(18);
    const now = [await count('invalid'), await count('duplicate')];
    expect(now.map((value, index) => value - (before[index] ?? 0))).toEqual([2, 1]);
  });

  test('has events of the catalogue and "unknown" as labels, whatever arrives', async () => {
    const page = await text();
    const events = [...samples(page, 'kazoo_relay_notifications_total').keys()].map(
      (labels) => /event="([^"]*)"/.exec(labels)?.[1],
    );
    expect(new Set(events)).toEqual(new Set(['low_balance', 'topup', 'unknown']));
  });

  test('tells of the link to each broker: its state, reconnects, stalls, and the depth of our queue', async () => {
    const reconnects = async () => total(await text(), 'kazoo_relay_broker_reconnects_total');
    const before = await reconnects();
    await onChannel(broker.url, (channel) => channel.deleteQueue('kazoo-relay'));
    await until(async () => (await reconnects()) > before, { what: 'a reconnect' });
    await until(async () => samples(await text(), 'kazoo_relay_broker_queue_messages').size === 1, {
      what: 'the depth of the queue',
    });
    const page = await text();
    expect(total(page, 'kazoo_relay_broker_failures_total')).toBeGreaterThan(0);
    expect(total(page, 'kazoo_relay_broker_state', { zone: 'west', state: 'consuming' })).toBe(1);
    expect(total(page, 'kazoo_relay_broker_state')).toBe(1);
    expect(total(page, 'kazoo_relay_broker_stalls_total')).toBe(0);
    expect(total(page, 'kazoo_relay_broker_queue_max_messages')).toBe(100_000);
  });

  test('tells which routes an operator has paused, and over HTTP not who it was', async () => {
    const paused = async () => total(await text(), 'kazoo_relay_route_paused', { route: 'archive' });
    expect(await paused()).toBe(0);
    await cli(['pause', 'archive', '--config', relay.config]);
    expect(await paused()).toBe(1);
    const told = async () => {
      const { routes } = JSON.parse((await ask(at, '/status')).body) as Status;
      return routes.find(({ name }) => name === 'archive')?.paused;
    };
    // What the journal is asked for is kept for a while.
    expect(await until(told, { what: 'the page to tell' })).toEqual({ since: expect.any(String), by: null });
    await cli(['resume', 'archive', '--config', relay.config]);
    expect(await paused()).toBe(0);
  });

  test('has no more than twelve buckets in a histogram, because each is a series for each route or broker', async () => {
    const page = await text();
    const histograms = metrics.filter(({ type }) => type === 'histogram');
    expect(histograms).not.toEqual([]);
    for (const { name } of histograms) {
      const bounds = [...samples(page, `${name}_bucket`).keys()].map((labels) => /le="([^"]*)"/.exec(labels)?.[1]);
      expect(new Set(bounds).size).toBeGreaterThan(1);
      expect(new Set(bounds).size).toBeLessThanOrEqual(12);
    }
  });

  test('tells what counts of the journal, what of it is invalid, how much of that made way, and since when', async () => {
    const first = 'kazoo_relay_journal_first_evicted_timestamp_seconds';
    expect(samples(await text(), first).size).toBe(0);
    using database = new DatabaseSync(join(relay.journal, 'journal.sqlite'), { timeout: 5_000 });
    database.exec(`INSERT INTO facts VALUES
      ('evicted_undecodable', 3), ('evicted_unknown', 5), ('evicted_known', 7), ('evicted_since', 1234500)`);
    const [sum] = database.prepare('SELECT sum(bytes) AS bytes FROM invalid').all();
    const evicted = (page: string, kind: string) => total(page, 'kazoo_relay_journal_evicted_total', { kind });
    // It is read from the journal no oftener than takes a twentieth of the time.
    const isTold = async () => evicted(await text(), 'unknown') === 5;
    await until(isTold, { what: 'the journal to be read again' });
    const page = await text();
    expect(['undecodable', 'unknown', 'known'].map((kind) => evicted(page, kind))).toEqual([3, 5, 7]);
    expect(total(page, first)).toBe(1234.5);
    expect(total(page, 'kazoo_relay_journal_invalid_bytes')).toBe(sum?.bytes);
    const [used, size] = ['used', 'size'].map((what) => total(page, `kazoo_relay_journal_${what}_bytes`));
    expect(used).toBeGreaterThan(Number(sum?.bytes));
    expect(used).toBeLessThan(size ?? 0);
    expect(total(page, 'kazoo_relay_journal_invalid_max_bytes')).toBe(10 * 2 ** 30 * 0.25);
    expect(total(page, 'kazoo_relay_memory_buffers_max_bytes')).toBe(32 * 2 ** 20);
    const inMemory = total(page, 'kazoo_relay_memory_buffers_bytes');
    expect(inMemory).toBeGreaterThan(0);
    expect(inMemory).toBeLessThan(2 ** 20);
  });

  test('is what promtool wants it to be', async () => {
    const { status, stdout, stderr } = promtool(['check', 'metrics'], await text());
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('is described by docs/reference/metrics.md, metric by metric', () => {
    const rows = metrics.map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    );
    const told = readFileSync('docs/reference/metrics.md', 'utf8').split('\n');
    expect(told.filter((line) => line.startsWith('| `kazoo_relay_'))).toEqual(rows);
  });
});

async function text(): Promise<string> {
  const { status, body } = await ask(at, '/metrics');
  expect(status).toBe(200);
  return body;
}

/** Waits until so many messages were counted, and the route crm has none left. */
async function settled(count: number): Promise<void> {
  const isSettled = async () => {
    const page = await text();
    return (
      total(page, 'kazoo_relay_notifications_total') === count &&
      total(page, 'kazoo_relay_lag_messages', { route: 'crm' }) === 0 &&
      total(page, 'kazoo_relay_deliveries_waiting', { route: 'crm' }) === 0
    );
  };
  await until(isSettled, { what: 'everything to be settled' });
}

function publishBytes(...messages: (string | { body: string; messageId: string })[]): Promise<void> {
  const timestamp = (Math.floor(Date.now() / 1000) + 62_167_219_200) * 1e6;
  return onChannel(broker.url, async (channel: Channel) => {
    for (const message of messages) {
      const { body, ...properties } = typeof message === 'string' ? { body: message } : message;
      channel.publish('notifications', 'notifications.test.test', Buffer.from(body), { timestamp, ...properties });
    }
    // Its answer comes after the broker has read them all.
    await channel.checkQueue('kazoo-relay');
  });
}
