import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { storeAt } from '../../../src/journal/open.ts';
import { SharedClock, signsIn } from '../../../src/journal/postgres/clock.ts';
import { Companions } from '../../../src/journal/postgres/companions.ts';
import { DeliveryCounts } from '../../../src/journal/postgres/delivery-counts.ts';
import { openedOperatorStore } from '../../../src/journal/postgres/operator-store.ts';
import { Outages } from '../../../src/journal/postgres/outages.ts';
import { readerOf } from '../../../src/journal/postgres/reader.ts';
import { unlimited } from '../../support/journal.ts';
import { operating } from '../../support/operator.ts';
import { makeTables, type Tables } from '../../support/postgres-tables.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';

const hour = 3_600_000;
const day = 24 * hour;
const mq = { zone: 'west', broker: 'mq:5672' };
const running = performance.now.bind(performance);
let server: SharedPostgres;
let tables: Tables;
let logged: string[];
/** How far the database's clock is ahead of what it was, and this machine's of it. */
let ahead = 0;
let skew = 0;
const log = pino({ base: null }, { write: (line: string) => void logged.push(line) });

beforeAll(async () => {
  server = await sharePostgres();
});

afterAll(() => server.close());

beforeEach(async () => {
  tables = await makeTables(server.url);
  [logged, ahead, skew] = [[], 0, 0];
  await tables.query("INSERT INTO hosts (name) VALUES ('a'), ('b')");
});

afterEach(async () => {
  performance.now = running;
  await tables.close();
});

describe('outages of daemons that share a journal', () => {
  test('are each daemon’s own: what another one tells of the same broker, or its start, ends none', async () => {
    const [a, b] = [new Outages(tables, 'a'), new Outages(tables, 'b')];
    a.changes.brokerAway(mq, 1_000, 'refused', 'ECONNREFUSED');
    await a.write();
    b.changes.brokerAway(mq, 2_000, 'reset', 104);
    b.changes.brokerBack(mq, 3_000);
    await b.write();
    await ran('a', { untilAgo: 0, lives: true });
    await ran('b', { untilAgo: 0, lives: true });
    await b.begin();
    // It flaps.
    b.changes.brokerAway(mq, 4_000, 'again', null);
    await b.write();
    expect(await readerOf(tables).outages(0, 5_000)).toEqual([
      { since: 1_000, until: null, ...mq, reason: 'refused', code: 'ECONNREFUSED', daemon: 'a' },
      { since: 2_000, until: null, ...mq, reason: 'again', code: null, daemon: 'b' },
    ]);
  });

  test('end with the daemon that was about to tell of them, when it was last heard of', async () => {
    const a = new Outages(tables, 'a');
    a.changes.brokerAway(mq, 1_000, 'refused', null);
    await a.write();
    const before = await ran('a', { untilAgo: hour });
    await ran('b', { untilAgo: 0, lives: true });
    const outages = () => readerOf(tables).outages(0, Date.now() + hour);
    expect(await outages()).toMatchObject([{ since: 1_000, until: before }]);
    expect(await readerOf(tables).outages(before + 1, Date.now())).toEqual([]);
    await a.begin();
    await ran('a', { untilAgo: 0, lives: true });
    expect(await outages()).toMatchObject([{ since: 1_000, until: before }]);
  });

  test.each([
    ['none has run since one was last heard of', 2 * hour, false, 1],
    ['another one still runs', 2 * hour, true, 0],
    ['one stopped a moment ago', 10_000, false, 0],
  ])('are told of for all where %s, and by one of those that start', async (_when, ago, other, count) => {
    await ran('a', { untilAgo: 3 * hour });
    const last = await ran('b', { untilAgo: ago });
    if (other) await ran('b', { untilAgo: 0, lives: true });
    await Promise.all(['a', 'b', 'c'].map((name) => new Outages(tables, name).begin()));
    const outages = await readerOf(tables).outages(0, Number.MAX_SAFE_INTEGER);
    const one = { since: last, until: expect.closeTo(Date.now(), -5), zone: '', broker: '', daemon: null };
    expect(outages).toEqual(Array(count).fill({ ...one, reason: 'kazoo-relay did not run', code: null }));
  });

  test('are not told of a journal that had no daemon yet', async () => {
    await new Outages(tables, 'a').begin();
    expect(await readerOf(tables).outages(0, Number.MAX_SAFE_INTEGER)).toEqual([]);
  });
});

describe('counts of deliveries', () => {
  test('are those of all daemons, and what could not be written goes with the next time', async () => {
    const [a, b] = await Promise.all([1, 2].map(() => DeliveryCounts.open(tables, { isTrusted: true, doubt: null })));
    if (a === undefined || b === undefined) throw new Error('there are two');
    for (const { tallies } of [a, b]) {
      tallies.add('r', 'e', 'delivered');
      tallies.add('r', 'f', 'dead');
      tallies.closing();
    }
    const companions = new Companions([a]);
    await tables.query('ALTER TABLE delivery_counts RENAME TO elsewhere');
    await companions.writeDue();
    a.tallies.add('r', 'e', 'delivered');
    expect(a.tallies.pending('day', 0)).toMatchObject([{ delivered: 1 }, { dead: 1 }, { delivered: 1 }]);
    await tables.query('ALTER TABLE elsewhere RENAME TO delivery_counts');
    await Promise.all([companions.writeDue(), companions.writeDue(), b.write()]);
    expect([a.isDue, a.tallies.pending('day', 0)]).toEqual([false, []]);
    for (const per of ['minute', 'hour', 'day'] as const)
      expect(await sums(per)).toEqual({ delivered: 3, dead: 2, events: ['e', 'f'] });
  });
});

describe('the clock of the database', () => {
  test('is in doubt where it is a day beyond the last sign of life of any daemon, for all that start', async () => {
    await ran('a', { untilAgo: 3 * day });
    await ran('b', { untilAgo: 2 * day });
    const [a, b] = [await clock(), await clock()];
    expect([a.isTrusted, b.isTrusted]).toEqual([false, false]);
    expect(a.doubt).toMatchObject({
      lastSign: expect.closeTo(Date.now() - 2 * day, -5),
      believedIn: expect.closeTo(day, -5),
    });
    expect(logged.join('')).toContain('more than a day ahead of the last activity');
    // What they do from now on is no sign of the time.
    await ran('a', { untilAgo: 0, lives: true });
    await tables.append([1]);
    expect((await clock()).doubt?.lastSign).toBe(a.doubt?.lastSign);
    expect(await openedOperatorStore(tables, async () => undefined).clockDoubt()).toBe(a.doubt?.lastSign);
  });

  test('is believed by all once an operator accepts it', async () => {
    await ran('a', { untilAgo: 2 * day });
    const [a, b] = [await clock(), await clock()];
    const store = operating(openedOperatorStore(tables, async () => undefined));
    await store.acceptClock();
    expect(await store.clockDoubt()).toBeNull();
    await Promise.all([a.lookAgain(), b.lookAgain()]);
    expect([a.isTrusted, b.isTrusted, a.isDue]).toEqual([true, true, true]);
    await a.write();
    expect(await tables.values("SELECT name FROM facts WHERE name LIKE 'clock%'")).toEqual([]);
    expect((await clock()).isTrusted).toBe(true);
  });

  test('is believed after a day of running, by all daemons, across their starts', async () => {
    await ran('a', { untilAgo: 2 * day });
    const a = await clock();
    ran12(1);
    expect([a.isTrusted, a.isDue]).toEqual([false, true]);
    await a.write();
    const b = await clock();
    expect(b.doubt?.believedIn).toBeLessThanOrEqual(12 * hour);
    ran12(2);
    expect(b.isTrusted).toBe(true);
    await b.write();
    await a.lookAgain();
    expect(a.isTrusted).toBe(true);
  });

  test('is in doubt where it jumps while daemons run, and writes nothing while it doesn’t', async () => {
    await ran('a', { untilAgo: 1_000 });
    const a = await clock();
    expect([a.isTrusted, a.isDue]).toEqual([true, false]);
    expect(await tables.values('SELECT name FROM facts')).toEqual([]);
    ahead = 2 * day;
    expect([a.isTrusted, a.isDue]).toEqual([false, true]);
    ahead = 0;
    expect([a.isTrusted, a.isDue]).toEqual([true, false]);
  });

  test('counts, and not that of a machine which is an hour ahead of it', async () => {
    const spool = mkdtempSync(join(tmpdir(), 'kazoo-relay-history-'));
    const location = { url: server.url, schema: tables.schema, spool, spoolSize: 1e9, name: 'ahead' };
    const clock = Date.now;
    Date.now = () => clock() + hour;
    const journal = await storeAt(location).open(unlimited, log);
    const { isTrusted } = journal.clock;
    await journal.close();
    Date.now = clock;
    expect([isTrusted, logged.filter((line) => line.includes('clock'))]).toEqual([true, []]);
    rmSync(spool, { recursive: true });
  });

  test('vouches for no clock of a machine that is far from it', async () => {
    await ran('a', { untilAgo: 1_000 });
    const a = await clock();
    skew = -2 * day;
    expect([a.isTrusted, a.doubt]).toEqual([false, null]);
    skew = 1_000;
    expect(a.isTrusted).toBe(true);
  });
});

/** A run of a daemon, until it was last heard of so many milliseconds ago. Returns when that was. */
async function ran(name: string, { untilAgo, lives = false }: { untilAgo: number; lives?: boolean }): Promise<number> {
  const [holder, until] = [randomUUID(), Date.now() - untilAgo];
  await tables.query(
    `INSERT INTO daemons (holder, name, version, configuration, started_at, stopped_at) VALUES ($1, $2, '1', 'c', 1, $3)`,
    [holder, name, lives ? null : until],
  );
  await tables.query('INSERT INTO beats VALUES ($1, $2, 0)', [holder, lives ? Date.now() + 60_000 : until]);
  return until;
}

async function clock(): Promise<SharedClock> {
  return SharedClock.open(tables, await signsIn(tables), { now: () => Date.now() + ahead, skew: () => skew }, log);
}

/** So many half days have passed. */
function ran12(times: number): void {
  const offset = times * 12 * hour;
  performance.now = () => running() + offset;
  ahead = offset;
}

async function sums(per: 'minute' | 'hour' | 'day') {
  const counts = await readerOf(tables).counts(per, 0);
  const sum = (end: 'delivered' | 'dead') => counts.reduce((all, count) => all + count[end], 0);
  return { delivered: sum('delivered'), dead: sum('dead'), events: [...new Set(counts.map(({ event }) => event))] };
}
