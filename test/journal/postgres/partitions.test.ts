import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryBudget } from '../../../src/common/memory-budget.ts';
import { DatabaseAppender } from '../../../src/journal/postgres/appender.ts';
import { addDays, dropOldDay } from '../../../src/journal/postgres/days.ts';
import { addRanges, endOldRange, rangesOf } from '../../../src/journal/postgres/log-ranges.ts';
import { unlimited } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { makeTables, type Tables, uuidAt } from '../../support/postgres-tables.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { until } from '../../support/until.ts';

const day = 86_400_000;
const retention = 30 * day;
/** Ten ranges of about a thousand places. */
const small = { ...unlimited, retention, maxSize: 20 * 1024 * 1024 };

let server: SharedPostgres;
let tables: Tables;

beforeAll(async () => {
  server = await sharePostgres();
});

afterAll(() => server.close());

beforeEach(async () => {
  tables = await makeTables(server.url);
});

afterEach(() => tables.close());

describe('the ranges of the log', () => {
  test('are made ahead of what is appended, as large as what comes in within a tenth of the retention', async () => {
    const now = Date.now();
    await addRanges(tables, { ...unlimited, retention });
    expect(await bounds()).toEqual([0, 65_536, 131_072, 196_608]);
    // 80,000 within a day are 240,000 within three.
    await tables.append([now - day + 60_000]);
    await tables.query('UPDATE appends SET last = 80000, rows = 80000 WHERE last = 1');
    await addRanges(tables, { ...unlimited, retention });
    const [last = 0, before = 0] = (await bounds()).toReversed();
    expect(last - before).toBeGreaterThan(240_000);
    expect(last - before).toBeLessThan(242_000);
  });

  test('are smaller where the journal is, so that a tenth of it is removed at a time', async () => {
    await addRanges(tables, small);
    const [last = 0, before = 0] = (await bounds()).toReversed();
    expect(last - before).toBe(1024);
  });

  test('are made for a batch of any size', async () => {
    await addRanges(tables, small, 80_000);
    expect((await bounds()).at(-1)).toBeGreaterThan(80_000);
  });

  test('are made once by several daemons that open the journal at the same time', async () => {
    const made = await Promise.all([1, 2, 3].map(() => addRanges(tables, { ...unlimited, retention })));
    expect(made).toContain(true);
    expect(await bounds()).toEqual([0, 65_536, 131_072, 196_608]);
  });

  test('end early where less comes in, and what comes later has ranges of its own', async () => {
    await addRanges(tables, { ...unlimited, retention });
    await tables.append([Date.now() - 4 * day]);
    await endOldRange(tables, { ...unlimited, retention });
    expect(await bounds()).toEqual([0, 65_536, 131_072, 196_608]);
    await tables.query('UPDATE appends SET at = at - $1::bigint', [4 * day]);
    await endOldRange(tables, { ...unlimited, retention });
    expect(await bounds()).toEqual([0, 512, 512 + 65_536, 512 + 2 * 65_536]);
    await tables.append(Array.from({ length: 600 }, () => Date.now()));
    expect(await rowsOfRanges()).toEqual([511, 90, 0]);
  });

  test('end early where they are larger than a tenth of the journal', async () => {
    await tables.append(
      Array.from({ length: 2_000 }, () => Date.now()),
      { json: `{"a":"${'x'.repeat(1_500)}"}` },
    );
    await endOldRange(tables, { ...small, maxSize: 10 * 1024 * 1024 });
    const [, first] = await bounds();
    expect(first).toBe(2_048);
  });
});

describe('the days of ids and occurrences', () => {
  test('are made ahead, and again where they are missing', async () => {
    const now = Date.now();
    expect(await addDays(tables, 'ids', now)).toBe(true);
    expect(await addDays(tables, 'ids', now + day)).toBe(true);
    expect(await tables.values("SELECT name FROM days WHERE of = 'ids' ORDER BY name")).toHaveLength(4);
    await tables.append([now, now + 3 * day, now + 4 * day]);
    expect(await tables.values('SELECT count(*) FROM ids_default')).toEqual([1]);
  });

  test('get what came before they were made', async () => {
    const now = Date.now();
    await tables.append([now, now, now - 5 * day]);
    await addDays(tables, 'ids', now);
    expect(await tables.values('SELECT count(*) FROM ids_default')).toEqual([1]);
    expect(await tables.values('SELECT count(*) FROM ids')).toEqual([3]);
  });

  test('are left alone while somebody reads them, and others append meanwhile', async () => {
    const now = Date.now();
    await tables.transaction(async (within) => {
      await within.query("SET LOCAL idle_in_transaction_session_timeout = '60s'");
      await within.query('SELECT count(*) FROM ids_default');
      const [added] = await Promise.all([addDays(tables, 'ids', now), tables.append([now])]);
      expect(added).toBe(false);
    });
    expect(await addDays(tables, 'ids', now)).toBe(true);
  });

  test('are made while something is appended for them, which is not refused', async () => {
    const appender = new DatabaseAppender({
      ...{ database: tables, aside: tables, memory: new MemoryBudget(1e9).open(), origin: 1 },
      addRanges: async () => undefined,
      onAppended: () => undefined,
    });
    const now = Date.now();
    const appended = await tables.transaction(async (within) => {
      await within.query("SET LOCAL idle_in_transaction_session_timeout = '60s'");
      await within.query('LOCK TABLE ids_default IN ACCESS EXCLUSIVE MODE');
      const append = appender.append([notification({ id: uuidAt(now) })]);
      await until(async () => (await waiting()) === 1, { what: 'the append to come to the table' });
      await addDays(within, 'ids', now);
      return { append };
    });
    expect(await appended.append).toHaveLength(1);
    expect(await tables.values('SELECT count(*) FROM ids_default')).toEqual([0]);
  });

  test('go with the last entry of them; what is kept keeps its id', async () => {
    const now = Date.now();
    const old = now - 10 * day;
    await addDays(tables, 'ids', old);
    await addDays(tables, 'occurrences', old);
    const kept = uuidAt(old);
    await tables.append([old, old, old], { isResent: true });
    await tables.append([old], { rank: 2, ids: [kept], isResent: true });
    expect(await dropOldDay(tables, 'ids')).toBe('none');
    await tables.append([now]);
    await tables.query('DELETE FROM log WHERE seq < 4');
    expect(await dropOldDay(tables, 'ids')).toBe('dropped');
    expect(await dropOldDay(tables, 'occurrences')).toBe('dropped');
    expect(await tables.values('SELECT seq FROM ids ORDER BY seq')).toEqual([4, 5]);
    expect(await tables.values('SELECT seq FROM occurrences')).toEqual([4]);
    expect(await tables.append([old], { ids: [kept] })).toBe(0);
  });
});

/** How many wait for the default partition. */
async function waiting(): Promise<number> {
  const locks = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'ids_default'::regclass";
  return (await tables.query(locks)).length;
}

/** Where ranges begin, and where the last one ends. */
async function bounds(): Promise<number[]> {
  const ranges = await rangesOf(tables);
  return [...ranges.map(({ first }) => first), ranges.at(-1)?.ending ?? 0];
}

async function rowsOfRanges(): Promise<unknown[]> {
  const counts: unknown[] = [];
  for (const { name } of await rangesOf(tables)) counts.push(...(await tables.values(`SELECT count(*) FROM ${name}`)));
  return counts;
}
