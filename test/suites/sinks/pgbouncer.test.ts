import { afterEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { closeSinks, deliver, deliveries, openDatabaseSink } from '../../support/database.ts';
import { startPgBouncer, type TestPgBouncer } from '../../support/pgbouncer.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { until } from '../../support/until.ts';

let postgres: SharedPostgres | undefined;
let pgbouncer: TestPgBouncer | undefined;

afterEach(async () => {
  await closeSinks();
  await pgbouncer?.close();
  await postgres?.close();
});

test('the database sink works behind a PgBouncer in transaction mode, and leaves nothing in its sessions', async () => {
  const database = await sharePostgres();
  postgres = database;
  pgbouncer = await startPgBouncer(database.url, 'transaction', 2);
  const { url } = pgbouncer;
  const open = (options: object) =>
    openDatabaseSink({ url, partition: 'month', connections: 4, statementTimeout: '5s', ...options });
  const sinks = await Promise.all([open({}), open({}), open({})]);
  const batches = Array.from({ length: 10 }, () => sinks.map((sink) => deliver(sink, ...deliveries(50))));
  const outcomes = await Promise.all(batches.flat());
  expect(outcomes.flat().filter(({ status }) => status === 'delivered')).toHaveLength(1_500);
  const count = async () => Number((await database.query('SELECT count(*) AS count FROM notifications'))[0]?.count);
  expect(await count()).toBe(1_500);
  // What the deliveries of the tests say they occurred at is older than that.
  await open({ retention: '30d' });
  await until(async () => (await count()) === 0, { what: 'old rows to go' });
  const left = await Promise.all(Array.from({ length: 8 }, () => leftInSession(url)));
  expect(left).toEqual(left.map(() => ({ timeout: '0', locks: 0, named: 0 })));
});

/** What a session that the sinks have used still holds. */
async function leftInSession(url: string): Promise<unknown> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query(`
    SELECT current_setting('statement_timeout') AS timeout,
      (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks,
      (SELECT count(*)::int FROM pg_prepared_statements) AS named
    FROM pg_sleep(0.05)`);
  await client.end();
  return rows[0];
}
