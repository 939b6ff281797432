import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { Limits } from '../../../src/journal/journal.ts';
import { addRanges, endOldRange } from '../../../src/journal/postgres/log-ranges.ts';
import { Retention } from '../../../src/journal/postgres/retention.ts';
import { spaceOf } from '../../../src/journal/postgres/space.ts';
import { unlimited } from '../../support/journal.ts';
import { makeTables, type Tables } from '../../support/postgres-tables.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';

const day = 86_400_000;
const limits: Limits = { ...unlimited, retention: 10 * day };
const trusted = { isTrusted: true, doubt: null };
const a = '11111111-1111-8111-8111-111111111111';

let server: SharedPostgres;
let tables: Tables;
let now: number;
let logged: Record<string, unknown>[];
const open: Retention[] = [];

beforeAll(async () => {
  server = await sharePostgres();
});

afterAll(() => server.close());

beforeEach(async () => {
  tables = await makeTables(server.url);
  now = Date.now();
  logged = [];
  await tables.query("INSERT INTO hosts (name) VALUES ('a'), ('b')");
  await tables.query("INSERT INTO daemons (holder, name, version, configuration) VALUES ($1, 'a', '1', 'c')", [a]);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((retention) => retention.close()));
  await tables.close();
});

describe('retention', () => {
  test('drops a range once all in it is old and every route has passed it, and not before', async () => {
    await oldRange([1, 2, 3]);
    await tables.append([now]);
    await route('r', 2);
    await round();
    expect(await places()).toEqual([1, 2, 3, 513]);
    await cursor('r', 512);
    await round();
    expect(await places()).toEqual([513]);
    expect(await tables.values('SELECT first FROM ranges ORDER BY first LIMIT 1')).toEqual([512]);
  });

  test('keeps what is young, and all while the clock is in doubt', async () => {
    await oldRange([1]);
    await route('r', 512);
    await round({ limits: { ...limits, retention: 30 * day } });
    await round({ clock: { isTrusted: false, doubt: null } });
    expect(await places()).toEqual([1]);
    await round();
    expect(await places()).toEqual([]);
  });

  test('is held back by the routes of every configuration that was in use within a day', async () => {
    await oldRange([1]);
    await route('r', 512);
    await route('other', 0, { name: 'b' });
    await tables.query(
      `INSERT INTO daemons (holder, name, version, configuration, started_at, stopped_at)
       VALUES (gen_random_uuid(), 'b', '1', 'd', 1, now_ms() - 3600000)`,
    );
    await round();
    expect(await places()).toEqual([1]);
    await tables.query("UPDATE daemons SET stopped_at = now_ms() - 90000000 WHERE name = 'b'");
    await round();
    expect(await places()).toEqual([]);
  });

  test('moves out what is dead, quarantined or waits, and removes it once nothing lists it', async () => {
    await oldRange([1, 2, 3, 4, 5]);
    await route('r', 512);
    await record('r', 2, 'dead');
    await record('r', 3, 'waiting');
    await record('gone', 4, 'waiting');
    await record('gone', 5, 'quarantined');
    await round();
    expect(await places()).toEqual([2, 3, 5]);
    expect(await tables.values('SELECT seq FROM deliveries ORDER BY seq')).toEqual([2, 3, 5]);
    await tables.query('DELETE FROM deliveries WHERE seq <> 3');
    await round();
    expect(await places()).toEqual([3]);
  });

  test('removes nothing of a range that is in use, and goes on when it is free', async () => {
    await oldRange([1]);
    await route('r', 512);
    await tables.transaction(async (within) => {
      await within.query("SET LOCAL idle_in_transaction_session_timeout = '60s'");
      await within.query('SELECT FROM log');
      await round();
    });
    expect(await places()).toEqual([1]);
    await round();
    expect(await places()).toEqual([]);
  });

  test('removes what is old and young where the journal is nearly full, and refuses appends while it is full', async () => {
    await oldRange([1], now);
    await route('r', 512);
    const retention = await round({ limits: { ...limits, maxSize: 1 } });
    expect(await places()).toEqual([]);
    expect(await tables.values('SELECT count(*) FROM ids')).toEqual([0]);
    expect(retention.refusal).toMatch(/^the journal has reached journal.maxSize \(1 B\): /);
    await tables.append([now, now]);
    const held = await round({ limits: { ...limits, maxSize: 1 } });
    expect(await held.makeRoom()).toContain('by the route r, which is behind by 2 notifications');
    held.limit(limits);
    expect(held.refusal).toBeNull();
  });

  test('counts no room that is free in a table, and will be used again', async () => {
    const json = JSON.stringify('x'.repeat(1_000));
    await tables.append(
      Array.from({ length: 2_000 }, () => now),
      { rank: 2, json },
    );
    await tables.query('ANALYZE kept');
    const before = await spaceOf(tables);
    await tables.query('DELETE FROM kept WHERE seq % 10 > 0');
    await tables.query('VACUUM ANALYZE kept');
    const after = await spaceOf(tables);
    expect(after.onDisk).toBeGreaterThan(before.onDisk * 0.9);
    expect(after.used).toBeLessThan(before.used * 0.6);
    expect(before.used).toBeLessThanOrEqual(before.onDisk);
  });

  test('ends dead letters by their age, and says so in the delivery log', async () => {
    await tables.append([now, now]);
    await route('r', 2);
    await record('r', 1, 'dead', now - 100 * day);
    await record('r', 2, 'dead', now);
    await round({ limits: { ...limits, deadRetention: 90 * day } });
    expect(await tables.values('SELECT seq FROM deliveries')).toEqual([2]);
    expect(await tables.query('SELECT route, first, last, attempts, outcome FROM delivery_log')).toEqual([
      { route: 'r', first: 1, last: 1, attempts: 2, outcome: 'expired' },
    ]);
  });

  test('forgets with a range what led to it, but of what is kept', async () => {
    await oldRange([1, 2], now - 20 * day, { event: 'x' });
    await route('r', 512);
    await record('r', 2, 'dead');
    await tables.append([now], { event: 'y' });
    await round();
    expect(await tables.query('SELECT event, block FROM block_events ORDER BY event')).toEqual([
      { event: 'x', block: 0 },
      { event: 'y', block: 1 },
    ]);
    expect(await tables.values('SELECT seq FROM ids ORDER BY seq')).toEqual([2, 513]);
    await tables.query('DELETE FROM deliveries');
    await round();
    expect(await tables.values('SELECT event FROM block_events')).toEqual(['y']);
    expect(await tables.values('SELECT seq FROM ids')).toEqual([513]);
  });

  test('is done by several daemons at once without any getting in the way of another', async () => {
    await oldRange([1, 2, 3]);
    await route('r', 512);
    await record('r', 2, 'dead');
    await Promise.all([round(), round(), round()]);
    await round();
    expect(await places()).toEqual([2]);
    expect(logged).toEqual([]);
  });
});

describe('undecodable and invalid notifications', () => {
  const json = JSON.stringify('x'.repeat(10_000));

  test('make way in the order of their ranks where they have more than their share, and are counted', async () => {
    await route('r', 100);
    for (const rank of [2, 1, 0, 2] as const) await tables.append([now], { rank, json });
    const [bytes] = await tables.values('SELECT sum(bytes)::bigint FROM kept');
    await round({ limits: { ...limits, maxSize: Number(bytes) * 1_000, invalidShare: 0.6 / 1_000 } });
    expect(await tables.values('SELECT seq FROM kept ORDER BY seq')).toEqual([1, 4]);
    expect(await tables.values('SELECT count(*) FROM deliveries')).toEqual([0]);
    expect(await tables.query("SELECT name, value FROM facts WHERE name LIKE 'evicted_%n' ORDER BY name")).toEqual([
      { name: 'evicted_unknown', value: 1 },
    ]);
    expect(logged).toMatchObject([
      { msg: expect.stringContaining('fill half of journal.invalidShare') },
      { evicted: { undecodable: 1, unknown: 1, known: 0 } },
    ]);
  });

  test('stay while a route has still to deliver them', async () => {
    await route('r', 0, { delivers: true });
    await tables.append([now, now], { rank: 2, json });
    const [bytes] = await tables.values('SELECT sum(bytes)::bigint FROM kept');
    const share = { ...limits, maxSize: Number(bytes) * 1_000, invalidShare: 0.1 / 1_000 };
    await round({ limits: share });
    expect(await places()).toEqual([1, 2]);
    await cursor('r', 2);
    await record('r', 2, 'waiting');
    await round({ limits: share });
    expect(await places()).toEqual([2]);
  });

  test('go by their age too, once nothing lists them', async () => {
    await route('r', 3);
    await tables.append([now - 20 * day, now - 20 * day, now], { rank: 2 });
    await record('r', 1, 'quarantined');
    await round();
    expect(await places()).toEqual([1, 3]);
  });
});

describe('what is inserted again and again', () => {
  test('is thinned to what is needed: the newest, and for times one row a block or minute', async () => {
    await route('r', 0);
    const minute = 60_000;
    const start = now - (now % minute) - 120 * minute;
    for (const offset of [0, 1_000, 2_000, 61_000]) {
      await tables.append([start + offset]);
      await tables.query('UPDATE appends SET at = $1 WHERE last = (SELECT max(last) FROM appends)', [start + offset]);
    }
    await tables.append([now]);
    await tables.append([now]);
    await tables.query(
      "INSERT INTO progress (route, epoch, n, cursor) SELECT 'r', 3, n, 0 FROM generate_series(1, 1500) n",
    );
    await tables.query(
      'INSERT INTO beats (holder, expires_at, skew) SELECT $1, $2::bigint - n * 1000000, 0 FROM generate_series(0, 9) n',
      [a, now],
    );
    await tables.query("INSERT INTO signals (number, at, kind) VALUES (1, 1, 'changed'), (2, now_ms(), 'changed')");
    await round();
    expect(await tables.values('SELECT last FROM appends ORDER BY last')).toEqual([0, 3, 4, 5, 6]);
    expect(await tables.query('SELECT epoch, min(n), max(n) FROM progress GROUP BY epoch')).toEqual([
      { epoch: 3, min: 500, max: 1_500 },
    ]);
    expect(await tables.values('SELECT count(*) FROM beats')).toEqual([4]);
    expect(await tables.values('SELECT number FROM signals ORDER BY number')).toEqual([0, 2]);
    expect(await tables.values("SELECT place('by time', $1) ", [String(start + 1_500)])).toEqual([true]);
    expect(await tables.values("SELECT cursor FROM progress WHERE route = 'by time'")).toEqual([2]);
  });

  test('forgets daemons that ended long ago, with what waits only for them', async () => {
    await tables.append([now]);
    await route('r', 1);
    await route('every@b', 1, { name: 'b' });
    await tables.query(
      `INSERT INTO daemons (holder, name, version, configuration, started_at) VALUES (gen_random_uuid(), 'b', '1', 'd', now_ms() - 20 * 86400000)`,
    );
    await round({ limits: { ...limits, retention: 30 * day } });
    expect(await tables.values('SELECT count(*) FROM registrations')).toEqual([2]);
    await round();
    expect(await tables.values('SELECT route FROM registrations')).toEqual(['r']);
    expect(await tables.values('SELECT name FROM daemons')).toEqual(['a']);
  });

  test('forgets logins that are over, and old tries of passwords, also where nobody logs in any more', async () => {
    await tables.query(
      `INSERT INTO logins (kind, key, name, role, until)
       SELECT 'session', name, name, 'reader', now_ms() + life FROM (VALUES ('over', -1), ('lasts', 60000)) l (name, life)`,
    );
    await round();
    expect(await tables.values('SELECT key FROM logins')).toEqual(['lasts']);
    await tables.query('INSERT INTO login_turns (failures, at) VALUES (7, now_ms() - 3000000)');
    await round();
    expect(await tables.values('SELECT failures FROM login_turns')).toEqual([7]);
    await tables.query('UPDATE login_turns SET at = at - 1000000');
    await round();
    expect(await tables.values('SELECT failures FROM login_turns')).toEqual([]);
  });
});

/** What the journal has, and the others of a range that has ended: places up to 511 at most. */
async function oldRange(seqs: readonly number[], time = now - 20 * day, parts = {}): Promise<void> {
  await addRanges(tables, limits);
  await tables.append(
    seqs.map(() => time),
    parts,
  );
  await tables.query('UPDATE appends SET at = $1', [now - 5 * day]);
  await endOldRange(tables, limits);
  // The rest of its block, so that it is over.
  await tables.query('UPDATE appends SET last = 512, rows = 512 WHERE last = $1', [seqs.at(-1)]);
}

async function route(name: string, at: number, { name: daemon = 'a', delivers = false } = {}): Promise<void> {
  await tables.query('INSERT INTO routes (route) VALUES ($1)', [name]);
  await tables.query('INSERT INTO registrations (name, route, delivers_invalid) VALUES ($1, $2, $3)', [
    daemon,
    name,
    delivers,
  ]);
  await cursor(name, at);
}

async function cursor(name: string, at: number): Promise<void> {
  await tables.query(
    `INSERT INTO progress (route, epoch, n, cursor)
     SELECT $1, 1, coalesce(max(n), 0) + 1, $2 FROM progress WHERE route = $1`,
    [name, at],
  );
}

async function record(name: string, seq: number, state: string, at = now): Promise<void> {
  const attempt = { at: 1, duration: 1, outcome: 'dead', reason: '' };
  await tables.query(
    'INSERT INTO deliveries (route, seq, state, reason, attempts, updated_at) VALUES ($1, $2, $3, $4, $5, $6)',
    [name, seq, state, 'why', JSON.stringify([attempt, attempt]), at],
  );
}

/** One daemon's, until there is nothing left for it to do. */
async function round({ limits: own = limits, clock = trusted } = {}): Promise<Retention> {
  const log = pino({ level: 'info' }, { write: (text: string) => void logged.push(JSON.parse(text)) });
  const retention = new Retention(tables, own, clock, log);
  open.push(retention);
  while (await retention.round());
  return retention;
}

async function places(): Promise<unknown[]> {
  return tables.values('SELECT seq FROM entries ORDER BY seq');
}
