import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  deliver,
  deliveries,
  deliveryOf,
  examineDatabase,
  openDatabaseSink,
  statuses,
} from '../../../support/database.ts';
import { deliverThroughKills } from '../../../support/kills.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgresql.ts';
import { startReceiver } from '../../../support/receiver.ts';
import { rounds } from '../../../support/runs.ts';
import { keepsTheContract } from '../../contract/contract.ts';
import { tablePlace } from '../../contract/database.ts';
import { postgresql, postgresqlWords } from '../../contract/postgresql.ts';
import { behavesAsDatabase, newTable, passesRowsThatAreCut } from '../common.ts';
import { tellsIncompatibilities } from '../incompatibilities.ts';

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres({ tls: true });
});

afterAll(() => server?.close());

behavesAsDatabase('PostgreSQL', {
  url: () => server.url,
  query: (sql) => server.query(sql),
  ownTable: (name) => `CREATE TABLE ${name} (id uuid PRIMARY KEY, balance int CONSTRAINT small CHECK (balance <= 100))`,
});

keepsTheContract(postgresql, () => tablePlace(server, postgresqlWords));

tellsIncompatibilities('PostgreSQL', {
  url: () => server.url,
  query: (sql) => server.query(sql),
  demand: (table) => `TRUNCATE ${table}; ALTER TABLE ${table} ADD tenant text NOT NULL`,
  mend: (table) => `ALTER TABLE ${table} ALTER tenant SET DEFAULT 'x'`,
  ownTable: (table, column) => `CREATE TABLE ${table} (id uuid PRIMARY KEY, ${column})`,
  number: 'bigint',
  types: [
    ...['smallint', 'int', 'bigint', 'numeric(30, 2)', 'real', 'double precision', 'boolean', 'uuid', 'json', 'jsonb'],
    ...['date', 'timestamp', 'timestamptz', 'text', 'varchar(40)', 'bytea', 'inet'],
  ],
  incompatible: 76,
});

describe('PostgreSQL in particular', () => {
  passesRowsThatAreCut(() => server.url);

  test('refuses NUL in a text column, a text that is too long, and what a policy forbids, each alone', async () => {
    const table = newTable();
    await server.query(`CREATE TABLE ${table} (id uuid PRIMARY KEY, caller varchar(5))`);
    const options = { url: server.url, table, columnsOnly: true, columns: { id: 'id', caller: 'data.caller' } };
    const callers = ['a', 'a\0b', 'b', 'toolong', 'c'];
    const batch = () => callers.map((caller) => deliveryOf({ caller }));
    const outcomes = await deliver(await openDatabaseSink(options), ...batch());
    expect(outcomes).toMatchObject([
      { status: 'delivered' },
      { status: 'dead', code: '22021' },
      { status: 'delivered' },
      { status: 'dead', code: '22001' },
      { status: 'delivered' },
    ]);
    await server.query(`
      CREATE ROLE clerk LOGIN PASSWORD 'x'; GRANT ALL ON ${table} TO clerk; ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
      CREATE POLICY reading ON ${table} FOR SELECT USING (true);
      CREATE POLICY writing ON ${table} FOR INSERT WITH CHECK (caller <> 'b')`);
    const clerk = await openDatabaseSink({ ...options, url: server.url.replace('relay:geheim', 'clerk:x') });
    const words = await statuses(deliver(clerk, ...['a', 'b'].map((caller) => deliveryOf({ caller }))));
    expect(words).toEqual(['delivered', 'dead']);
  });

  test('fills columns of any type that takes a text', async () => {
    const table = newTable();
    await server.query(`
      CREATE TYPE mood_${table} AS ENUM ('sad', 'glad'); CREATE DOMAIN small_${table} AS int CHECK (VALUE < 10);
      CREATE TABLE ${table} (id char(36) UNIQUE, mood mood_${table}, small small_${table}, ip inet, "Odd name" int,
        flags bit(8), code char(4))`);
    const columns = {
      ...{ id: 'id', mood: 'data.mood', small: 'data.small', ip: 'data.ip', flags: 'data.flags', code: 'data.code' },
    };
    const sink = await openDatabaseSink({ url: server.url, table, columnsOnly: true, columns });
    const good = deliveryOf({ mood: 'glad', small: 3, ip: '10.0.0.1', flags: '10100000', code: 'abc' });
    expect(await statuses(deliver(sink, good, deliveryOf({ mood: 'bored' }), deliveryOf({ small: 11 })))).toEqual([
      'delivered',
      'dead',
      'dead',
    ]);
    const rows = await server.query(`SELECT id, mood, small, flags::text, code FROM ${table}`);
    expect(rows).toEqual([{ id: good.header.id, mood: 'glad', small: 3, flags: '10100000', code: 'abc ' }]);
    expect(await statuses(deliver(sink, deliveryOf({ code: 'too long' })))).toEqual(['dead']);
  });

  test('counts no column as empty that something fills: a default, an identity, an expression, a trigger', async () => {
    const table = newTable();
    await server.query(`
      CREATE DOMAIN tenant_${table} AS text DEFAULT 'x' NOT NULL;
      CREATE TABLE ${table} (id uuid PRIMARY KEY, one int DEFAULT 1 NOT NULL, two serial, three tenant_${table},
        four int GENERATED ALWAYS AS IDENTITY, five text GENERATED ALWAYS AS ('x') STORED NOT NULL)`);
    const options = { url: server.url, table, columnsOnly: true, columns: { id: 'id' } };
    expect(await examineDatabase(options)).toContain('as it must be');
    const sink = await openDatabaseSink(options);
    await deliver(sink, ...deliveries(1));
    await server.query(`
      CREATE FUNCTION fill_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.six = NEW.six; RETURN NEW; END $$;
      CREATE TRIGGER fill BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION fill_${table}();
      TRUNCATE ${table}; ALTER TABLE ${table} ADD six text NOT NULL`);
    // Nobody knows what the trigger does: so it is tried.
    expect(await examineDatabase(options)).toContain('as it must be');
    await expect(deliver(sink, ...deliveries(3))).rejects.toThrow(/"six".* \(give it a DEFAULT/);
    await server.query(`
      CREATE OR REPLACE FUNCTION fill_${table}() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.six = 'x'; RETURN NEW; END $$`);
    expect(await statuses(deliver(sink, ...deliveries(2)))).toEqual(['delivered', 'delivered']);
  });

  test('stores JSON alike in jsonb, json and text, whatever is in it, and nothing where there is nothing', async () => {
    const table = newTable();
    await server.query(
      `CREATE TABLE ${table} (id uuid PRIMARY KEY, place serial, one jsonb, two json, three text, four int)`,
    );
    const columns = { id: 'id', one: 'data.x json', two: 'data.x json', three: 'data.x json', four: 'data.n integer' };
    const sink = await openDatabaseSink({ url: server.url, table, columnsOnly: true, columns });
    const values = [{ a: [1, null, { b: 'ü"\\,{}' }] }, [], 'text', '', 0, true, [null], '},{', '🙂'];
    const batch = [
      ...values.map((x, n) => deliveryOf({ x, n })),
      deliveryOf({ n: -1 }),
      deliveryOf({ x: null, n: -2 }),
    ];
    expect(new Set(await statuses(deliver(sink, ...batch)))).toEqual(new Set(['delivered']));
    const rows = await server.query(`SELECT one, two, three::json, four FROM ${table} ORDER BY place`);
    expect(rows).toEqual([
      ...values.map((x, n) => ({ one: x, two: x, three: x, four: n })),
      { one: null, two: null, three: null, four: -1 },
      { one: null, two: null, three: null, four: -2 },
    ]);
    expect(await server.query(`SELECT count(*)::int AS n FROM ${table} WHERE one IS NULL AND two IS NULL`)).toEqual([
      { n: 2 },
    ]);
  });

  test('keeps its table in another schema, with names that need quoting', async () => {
    await server.query('CREATE SCHEMA "Phones"');
    const options = { url: server.url, schema: 'Phones', table: 'User', columns: { Order: 'data.order' } };
    await deliver(await openDatabaseSink(options), deliveryOf({ order: 'x' }));
    expect(await server.query('SELECT "Order" FROM "Phones"."User"')).toEqual([{ Order: 'x' }]);
    await expect(openDatabaseSink({ ...options, schema: 'nowhere' })).rejects.toThrow(
      /schema "nowhere" does not exist/,
    );
  });

  test('stores several batches at a time over several connections', async () => {
    const table = newTable();
    const sink = await openDatabaseSink({ url: server.url, table, connections: 4 });
    await Promise.all([1, 2, 3, 4].map(() => deliver(sink, ...deliveries(100))));
    expect(await server.query(`SELECT count(*)::int AS n FROM ${table}`)).toEqual([{ n: 400 }]);
  });

  test('holds each notification exactly once, however often the server is killed', async () => {
    const table = newTable();
    const sink = await openDatabaseSink({ url: server.url, table });
    const confirmed = await deliverThroughKills(sink, server, rounds(8));
    const rows = await server.query(`SELECT id FROM ${table} ORDER BY id`);
    expect(confirmed.length).toBeGreaterThan(500);
    expect(rows.map(({ id }) => id)).toEqual(confirmed.toSorted());
  });

  test('to what is no PostgreSQL server leaves its operator in no doubt', async () => {
    const receiver = await startReceiver();
    const url = receiver.url.replace('http', 'postgres');
    await expect(opened(url, 'sslmode=prefer')).rejects.toThrow('(is a PostgreSQL server on this port?)');
    await receiver.close();
  });

  test('has its certificate looked at as sslmode says', async () => {
    const root = `sslrootcert=${server.folder}/certificate`;
    const byName = server.url.replace('127.0.0.1', 'localhost');
    for (const mode of ['prefer', 'require']) {
      await opened(server.url, `sslmode=${mode}`);
      const sessions = await server.query(
        "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'kazoo-relay'",
      );
      expect(sessions.every(({ ssl }) => ssl === true)).toBe(true);
    }
    expect(await opened(byName, `sslmode=verify-full&${root}`)).toBe('open');
    expect(await opened(server.url, `sslmode=verify-ca&${root}`)).toBe('open');
    await expect(opened(server.url, 'sslmode=verify-ca')).rejects.toThrow(/self-signed/);
    await expect(opened(server.url, 'sslmode=require&sslrootcert=/nowhere')).rejects.toThrow(
      "the file of sslrootcert, /nowhere, can't be read: there is no such file",
    );
  });
});

async function opened(url: string, parameters: string): Promise<string> {
  await openDatabaseSink({ url: `${url}?${parameters}`, table: newTable() });
  return 'open';
}
