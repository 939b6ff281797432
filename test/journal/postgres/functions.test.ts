import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { makeTables, type Tables, uuidAt } from '../../support/postgres-tables.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { until } from '../../support/until.ts';

// That the functions lock and look as models/ has it. What is under way here is a transaction that isn't committed yet.

let database: SharedPostgres;
let tables: Tables;
const clients: pg.Client[] = [];
const [one, other] = [randomUUID(), randomUUID()];

beforeAll(async () => {
  database = await sharePostgres();
  tables = await makeTables(database.url);
});

beforeEach(async () => {
  await tables.query(`TRUNCATE routes, progress, deliveries, delivery_log, beats`);
  await tables.query(`SELECT place('r', 'earliest')`);
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.end();
});

afterAll(async () => {
  await tables.close();
  await database.close();
});

describe('an append', () => {
  test('waits for the one before it, and goes on from its numbers; until then nobody sees either', async () => {
    const head = await last();
    const ids = [1, 2, 3].map(uuidAt);
    const first = await begun(append(ids.slice(0, 2)));
    const second = await waiting(append(ids.slice(1)));
    expect(await last()).toBe(head);
    await first.query('COMMIT');
    expect(await second.result).toMatchObject({ base: String(head + 2), dups: [1] });
    expect(await last()).toBe(head + 3);
  });

  test('that is undone leaves its numbers to the next one', async () => {
    const head = await last();
    const first = await begun(append([uuidAt(1)]));
    const second = await waiting(append([uuidAt(1)]));
    await first.query('ROLLBACK');
    expect(await second.result).toMatchObject({ base: String(head), dups: [] });
  });
});

describe('a renewal', () => {
  test('waits for a claim under way, and then the route is no longer its own', async () => {
    await beat(one);
    await claim(one);
    await expire(one);
    await beat(other);
    const taking = await begun(`SELECT * FROM claim('${other}', '{r}', 1)`);
    const renewing = await waiting(`SELECT routes FROM beat('${one}', 60000, 0)`);
    await taking.query('COMMIT');
    expect(await renewing.result).toEqual({ routes: [] });
    expect(await claim(one)).toEqual([]);
  });

  test('under way keeps its route, though the lease before it is over', async () => {
    await beat(one);
    await claim(one);
    await expire(one);
    await beat(other);
    const renewing = await begun(`SELECT * FROM beat('${one}', 60000, 0)`);
    expect(await claim(other)).toEqual([]);
    await renewing.query('COMMIT');
    expect(await claim(other)).toEqual([]);
  });
});

describe('a claim', () => {
  test('takes what is free or whose daemon is dead, once, and only for one that lives', async () => {
    expect(await claim(one)).toEqual([]);
    await beat(one);
    await beat(other);
    expect(await claim(one)).toMatchObject([{ epoch: 1, cursor: 0 }]);
    expect(await claim(other)).toEqual([]);
    await expire(one);
    expect(await claim(other)).toMatchObject([{ epoch: 2 }]);
  });

  test('under way is not waited for by another one', async () => {
    await beat(one);
    await beat(other);
    const taking = await begun(`SELECT * FROM claim('${one}', '{r}', 1)`);
    expect(await claim(other)).toEqual([]);
    await taking.query('COMMIT');
  });

  test('takes no route that is being settled, and then begins where that ended', async () => {
    await beat(one);
    await claim(one);
    await expire(one);
    await beat(other);
    const settling = await begun(settle(one, { epoch: 1, n: 1, cursor: 5 }));
    expect(await claim(other)).toEqual([]);
    await settling.query('COMMIT');
    expect(await claim(other)).toMatchObject([{ epoch: 2, cursor: 5 }]);
  });
});

describe('a settlement', () => {
  const delivered = [{ first: 1, last: 1, code: null, gaps: null }];

  test('waits for a claim under way, and then changes nothing', async () => {
    await beat(one);
    await claim(one);
    await expire(one);
    await beat(other);
    const taking = await begun(`SELECT * FROM claim('${other}', '{r}', 1)`);
    const settling = await waiting(settle(one, { epoch: 1, n: 1, cursor: 5, log: delivered }));
    await taking.query('COMMIT');
    expect(await settling.result).toEqual({ settle: ['r'] });
    expect(await tables.values('SELECT count(*) FROM delivery_log')).toEqual([0]);
    expect(await cursor()).toBe(0);
  });

  test('of an earlier time that its daemon had the route changes nothing', async () => {
    await beat(one);
    await claim(one);
    await tables.query(`SELECT release('${one}', 'r', 1)`);
    expect(await claim(one)).toMatchObject([{ epoch: 2 }]);
    expect(await tables.query(settle(one, { epoch: 1, n: 1, cursor: 5 }))).toEqual([{ settle: ['r'] }]);
    expect(await cursor()).toBe(0);
  });

  test('that comes again changes nothing, at once or when newer ones are all that is left', async () => {
    await beat(one);
    await claim(one);
    const [first, second] = [1, 2].map((n) => settle(one, { epoch: 1, n, cursor: n, log: delivered })) as [
      string,
      string,
    ];
    const settling = await begun(first);
    const again = await waiting(first);
    await settling.query('COMMIT');
    expect(await again.result).toEqual({ settle: [] });
    await tables.query(second);
    await tables.query('DELETE FROM progress WHERE n < 2');
    expect(await tables.query(first)).toEqual([{ settle: [] }]);
    expect(await tables.values('SELECT count(*) FROM delivery_log')).toEqual([2]);
    expect(await cursor()).toBe(2);
  });
});

describe('what removes an entry', () => {
  const record = { account: 'a', state: 'dead', reason: 'x', attempts: '[]', restarted: 0, due: null, is_known: false };

  test.each([
    ['an erased one', false, (seq: number) => `SELECT erase_entries('{${seq}}')`],
    [
      'one that makes way',
      true,
      (seq: number) => `DO 'BEGIN DELETE FROM kept WHERE seq = ${seq}; DELETE FROM deliveries WHERE seq = ${seq}; END'`,
    ],
  ])('waits for what records it meanwhile, and leaves no record of it (%s)', async (_which, isKept, remove) => {
    const seq = await tables.append([1], isKept ? { rank: 2 } : {});
    await beat(one);
    await claim(one);
    const settling = await begun(settle(one, { epoch: 1, n: 1, cursor: seq, records: [{ seq, ...record }] }));
    const removing = await waiting(remove(seq));
    await settling.query('COMMIT');
    await removing.result;
    expect(await tables.values('SELECT seq FROM deliveries')).toEqual([]);
  });

  test.each([
    ['a settlement', (seq: number) => settle(one, { epoch: 1, n: 1, cursor: seq, records: [{ seq, ...record }] })],
    ['a replay', (seq: number) => `SELECT replay_entries('r', '{${seq}}', '{NULL}', 'replayed')`],
  ])('is waited for by %s, which finds it gone then', async (_what, record) => {
    const seq = await tables.append([1]);
    await beat(one);
    await claim(one);
    const erasing = await begun(`SELECT erase_entries('{${seq}}')`);
    const recording = await waiting(record(seq));
    await erasing.query('COMMIT');
    await recording.result;
    expect(await tables.values('SELECT seq FROM deliveries')).toEqual([]);
  });
});

/** Runs it on a connection of its own, in a transaction that goes on. */
async function begun(text: string): Promise<pg.Client> {
  const client = await connect();
  await client.query(`BEGIN; ${text}`);
  return client;
}

/** Runs it on a connection of its own, where it waits for a lock. */
async function waiting(text: string): Promise<{ readonly result: Promise<unknown> }> {
  const client = await connect();
  const [{ pid } = { pid: 0 }] = (await client.query('SELECT pg_backend_pid() AS pid')).rows;
  const result = client.query(text).then(({ rows }) => rows[0]);
  const waits = `SELECT wait_event_type = 'Lock' AS waits FROM pg_stat_activity WHERE pid = ${pid}`;
  await until(async () => (await database.query(waits))[0]?.waits, { what: 'it to wait', interval: 5 });
  return { result };
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url, options: `-c search_path=${tables.schema}` });
  await client.connect();
  clients.push(client);
  return client;
}

function append(ids: readonly string[]): string {
  const nulls = ids.map(() => null);
  const values = [
    ids,
    ids.map(() => 1),
    ids.map(() => 1),
    nulls,
    nulls,
    nulls,
    nulls,
    nulls,
    ids.map(() => '[]'),
    ids.map(() => '{}'),
  ];
  const arrays = values.map((list) => `'{${list.map((value) => (value === null ? 'NULL' : `"${value}"`)).join()}}'`);
  return `SELECT base, dups FROM append(1, ${arrays.join()}, NULL, NULL)`;
}

function settle(holder: string, settlement: object): string {
  const whole = { route: 'r', ahead: [], records: [], settled: [], log: [], ...settlement };
  return `SELECT settle('${holder}', '${JSON.stringify([whole])}')`;
}

function claim(holder: string): Promise<readonly object[]> {
  return tables.query(`SELECT * FROM claim('${holder}', '{r}', 1)`);
}

async function beat(holder: string): Promise<void> {
  await tables.query(`SELECT beat('${holder}', 60000, 0)`);
}

/** As if its lease were over by now. */
async function expire(holder: string): Promise<void> {
  await tables.query(`UPDATE beats SET expires_at = 1 WHERE holder = '${holder}'`);
}

async function last(): Promise<number> {
  return Number((await tables.values('SELECT max(last) FROM appends'))[0]);
}

async function cursor(): Promise<unknown> {
  return (await tables.values(`SELECT cursor FROM progress ORDER BY epoch DESC, n DESC LIMIT 1`))[0];
}
