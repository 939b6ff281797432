import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { closeSinks, deliver, deliveries, deliveryOf, openDatabaseSink, statuses } from '../../../support/database.ts';
import { type SharedPostgres, sharePostgres } from '../../../support/postgresql.ts';
import { until } from '../../../support/until.ts';
import { newTable } from '../common.ts';

let server: SharedPostgres;
let table: string;

beforeAll(async () => {
  server = await sharePostgres();
});

afterAll(() => server?.close());
afterEach(closeSinks);

function open(options: object = {}) {
  return openDatabaseSink({ url: server.url, table, partition: 'month', ...options });
}

/** `2026-11` of a time that is some months from now. */
function month(away: number): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + away)).toISOString().slice(0, 7);
}

const partition = (away: number) => `${table}_y${month(away).replace('-', 'm')}`;

function occurredIn(away: number) {
  return deliveryOf({}, { occurredAt: Date.parse(`${month(away)}-15T12:00:00Z`) });
}

/** How many rows each partition has that has any. */
async function rowsByPartition(): Promise<Record<string, number>> {
  const rows = await server.query(
    `SELECT tableoid::regclass::text AS part, count(*)::int AS n FROM ${table} GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ part, n }) => [part, Number(n)]));
}

async function partitions(): Promise<unknown[]> {
  const rows = await server.query(
    `SELECT inhrelid::regclass::text AS part FROM pg_inherits WHERE inhparent = '${table}'::regclass ORDER BY 1`,
  );
  return rows.map(({ part }) => part);
}

describe('partitions by month', () => {
  test('are made ahead, and each row goes to its own or finds a place', async () => {
    table = newTable();
    const sink = await open();
    expect(await partitions()).toEqual([`${table}_default`, ...[0, 1, 2, 3].map(partition)].toSorted());
    const longAgo = deliveryOf({}, { occurredAt: 1 });
    const farAhead = deliveryOf({}, { occurredAt: Date.parse('9999-12-31T23:59:59.999Z') });
    const words = await statuses(deliver(sink, longAgo, farAhead, occurredIn(-1), occurredIn(0), occurredIn(2)));
    expect(words).toEqual(Array(5).fill('delivered'));
    const { [`${table}_default`]: inDefault, ...others } = await rowsByPartition();
    expect(others).toMatchObject({ [partition(0)]: 1, [partition(2)]: 1 });
    // The one of last month may have a partition by now.
    expect((inDefault ?? 0) + (others[partition(-1)] ?? 0)).toBe(3);
  });

  test('store the same notification once', async () => {
    table = newTable();
    const sink = await open();
    const batch = [occurredIn(0), occurredIn(-3)];
    await deliver(sink, ...batch, ...batch);
    await deliver(sink, ...batch);
    expect(await server.query(`SELECT count(*)::int AS n FROM ${table}`)).toEqual([{ n: 2 }]);
  });

  test('are made for rows that came late, or before their month was due, and take them in', async () => {
    table = newTable();
    const sink = await open();
    await until(async () => (await partitions()).length >= 5, { what: 'the partitions' });
    await server.query(`DROP TABLE ${partition(2)}`);
    const longAgo = deliveryOf({}, { occurredAt: 1 });
    await deliver(sink, occurredIn(2), occurredIn(2), occurredIn(-2), occurredIn(-14), longAgo);
    await Promise.all([open(), open()]);
    const expected = { [partition(2)]: 2, [partition(-2)]: 1, [partition(-14)]: 1, [`${table}_default`]: 1 };
    await until(async () => Object.keys(await rowsByPartition()).length === 4, { what: 'the rows to move' });
    expect(await rowsByPartition()).toEqual(expected);
    expect(await statuses(deliver(sink, occurredIn(-2), occurredIn(2)))).toEqual(['delivered', 'delivered']);
  });

  test('can’t be had of a table that is there without them', async () => {
    table = newTable();
    await openDatabaseSink({ url: server.url, table });
    await expect(open()).rejects.toThrow(/its partitioning: a table that exists has to be replaced/);
  });

  test('are dropped when all in them is too old; what isn’t ours only loses its old rows', async () => {
    table = newTable();
    const sink = await open();
    await server.query(
      `CREATE TABLE theirs_${table} PARTITION OF ${table} FOR VALUES FROM ('2020-01-01T00:00:00Z') TO ('2021-01-01T00:00:00Z')`,
    );
    await deliver(
      sink,
      deliveryOf({}, { occurredAt: Date.parse('2020-05-05T00:00:00Z') }),
      deliveryOf({}, { occurredAt: 1 }),
    );
    await deliver(sink, occurredIn(-8), occurredIn(-5), occurredIn(-2), occurredIn(0));
    await open();
    for (const away of [-8, -5, -2]) {
      await until(async () => (await partitions()).includes(partition(away)), { what: 'a partition for late rows' });
    }
    await open({ retention: '100d' });
    await until(async () => !((await rowsByPartition())[`${table}_default`] ?? 0), { what: 'old rows to go' });
    expect(await rowsByPartition()).toEqual({ [partition(-2)]: 1, [partition(0)]: 1 });
    const left = await partitions();
    expect(left).toContain(`theirs_${table}`);
    expect(left).not.toContain(partition(-8));
    expect(left).not.toContain(partition(-5));
  });

  test('are left to others where the daemon may change nothing: then old rows are deleted', async () => {
    table = newTable();
    await deliver(await open(), occurredIn(-8), occurredIn(0));
    const logged: string[] = [];
    await openDatabaseSink({ url: server.url, table, partition: 'month', migrate: false, retention: '100d' }, logged);
    await until(async () => Object.keys(await rowsByPartition()).length === 1, { what: 'old rows to go' });
    expect(logged.join('')).not.toContain('partition"');
  });

  test('hold up no delivery while they are made and dropped', async () => {
    table = newTable();
    const sink = await open({ statementTimeout: '5s' });
    const late = Array.from({ length: 12 }, (_, n) => occurredIn(-1 - n));
    await deliver(sink, ...late);
    const delivering = Promise.all(Array.from({ length: 20 }, () => deliver(sink, ...deliveries(50), occurredIn(0))));
    await Promise.all([open(), open({ retention: '60d' })]);
    const outcomes = (await delivering).flat();
    expect(outcomes.filter(({ status }) => status !== 'delivered')).toEqual([]);
  });
});
