// node scripts/pgbouncer.mjs: the database sink through a PgBouncer in transaction mode, with fewer connections to the
// server than the sink has to PgBouncer, so that transactions of one share a session with those of others. It needs
// PostgreSQL and the Debian package pgbouncer; exit code 1 if anything is not as it should be.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { closeSinks, deliver, deliveries, openDatabaseSink } from '../test/support/database.ts';
import { startPostgres } from '../test/support/postgresql.ts';
import { startServer } from '../test/support/server.ts';
import { until } from '../test/support/until.ts';

const postgres = await startPostgres();
const pgbouncer = await startServer({
  name: 'pgbouncer',
  async initialise(folder) {
    writeFileSync(join(folder, 'users'), '"relay" "geheim"\n');
  },
  command(folder, port) {
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: port,
      auth_type: 'scram-sha-256',
      auth_file: `${folder}/users`,
      pool_mode: 'transaction',
      default_pool_size: 2,
      server_reset_query_always: 0,
      unix_socket_dir: '',
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}`);
    const databases = `postgres = host=127.0.0.1 port=${postgres.port}`;
    writeFileSync(join(folder, 'pgbouncer.ini'), `[databases]\n${databases}\n[pgbouncer]\n${lines.join('\n')}\n`);
    return ['pgbouncer', join(folder, 'pgbouncer.ini')];
  },
  ask: (port) => openDatabaseSink({ url: urlOf(port), table: 'ready' }),
  stopSignal: 'INT',
});

try {
  const url = urlOf(pgbouncer.port);
  const open = (options) =>
    openDatabaseSink({ url, partition: 'month', connections: 4, statementTimeout: '5s', ...options });
  const sinks = await Promise.all([open(), open(), open()]);
  const batches = Array.from({ length: 60 }, () => deliveries(100));
  const outcomes = (await Promise.all(batches.map((batch, index) => deliver(sinks[index % 3], ...batch)))).flat();
  const delivered = outcomes.filter(({ status }) => status === 'delivered').length;
  const stored = await count();
  // What the deliveries of the tests say they occurred at is older than that.
  await open({ retention: '30d' });
  await until(async () => (await count()) === 0, { what: 'old rows to go' });
  const left = await Promise.all(Array.from({ length: 8 }, () => leftInSession(url)));
  console.log(JSON.stringify({ delivered, stored, left: left[0] }));
  const isClean = left.every(({ timeout, locks, named }) => timeout === '0' && locks === 0 && named === 0);
  if (delivered !== 6_000 || stored !== 6_000 || !isClean) process.exitCode = 1;
} finally {
  await closeSinks();
  await pgbouncer.close();
  await postgres.close();
}

async function count() {
  const [{ n }] = await postgres.query('SELECT count(*)::int AS n FROM notifications');
  return n;
}

/** What a session that the sinks have used still holds. */
async function leftInSession(url) {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query(`
    SELECT current_setting('statement_timeout') AS timeout,
      (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS locks,
      (SELECT count(*)::int FROM pg_prepared_statements) AS named, pg_sleep(0.2)::text`);
  await client.end();
  return rows[0];
}

function urlOf(port) {
  return `postgres://relay:geheim@127.0.0.1:${port}/postgres`;
}
