import { join } from 'node:path';
import pino from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { accessTo } from '../../common/fs/access.ts';
import { type Server, serverAddress } from '../../common/net/database-url.ts';
import { postgresServers } from '../../common/net/postgres-url.ts';
import { formatBytes, pluralize } from '../../common/text/format.ts';
import { JournalError } from '../journal.ts';
import type { SharedLocation } from '../location.ts';
import { StoreAway } from './failure.ts';
import { Link } from './link.ts';
import { newestVersion } from './migrate.ts';
import { refusePooler } from './pooler.ts';
import { rightsOf } from './rights.ts';

/** The oldest one that it works with. */
const oldestMajor = 14;

/** Milliseconds from which a difference of clocks, or the age of a transaction, is told. */
const skewTold = 1_000;
const longOpen = 5 * 60_000;

/**
 * What a daemon would find at the servers of a shared journal, and in the folder of its spool. Nothing is changed there.
 * @throws Error, JournalError with what is in the way
 */
export async function testAccess({ url, schema, spool }: SharedLocation): Promise<string[]> {
  const spooling = await accessTo(join(spool, 'journal.sqlite'));
  const { link, others } = await openFirst(postgresServers(url), schema);
  try {
    await refusePooler(() => openAt(link.server, schema));
    return [
      ...(await aboutServer(link)),
      ...others,
      await rightsOf(link, schema, newestVersion),
      ...(await aboutCommits(link)),
      ...(await aboutTransactions(link)),
      ...(await aboutClock(link)),
      await aboutSize(link),
      `spool: ${spooling}`,
    ];
  } finally {
    await link.close();
  }
}

const settings = { connectWithin: 5_000, statementTimeout: 10_000, lockTimeout: 2_000, mustConfirm: false };

function openAt(server: Server, schema: string): Promise<Link> {
  return Link.open(server, { ...settings, schema, log: pino({ level: 'silent' }) });
}

/** The first server that may be written to; of the others, what is to be said of each. */
async function openFirst(servers: readonly Server[], schema: string): Promise<{ link: Link; others: string[] }> {
  const tried = await Promise.all(
    servers.map(async (server) => {
      try {
        return await openAt(server, schema);
      } catch (error) {
        // Another one may be the primary, but none lets in whom this one doesn't.
        if (error instanceof StoreAway && servers.length > 1) return error;
        throw error;
      }
    }),
  );
  const [link, ...further] = tried.filter((one) => one instanceof Link);
  const others = tried.filter((one) => !(one instanceof Link)).map(reasonOf);
  for (const one of further) others.push(`${serverAddress(one.server)} can be written to, too: two primaries?`);
  await Promise.all(further.map((one) => one.close()));
  if (link === undefined) throw new StoreAway(others.join('; '));
  return { link, others };
}

async function aboutServer(link: Link): Promise<string[]> {
  const [about] = await link.query<{ number: number; version: string; encoding: string; tls: string | null }>(
    `SELECT current_setting('server_version_num')::int AS number, split_part(current_setting('server_version'), ' ', 1) AS version,
       current_setting('server_encoding') AS encoding,
       (SELECT s.version FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid() AND s.ssl) AS tls`,
  );
  if (about === undefined) throw new JournalError('the server does not say what it is');
  const { number, version, encoding, tls } = about;
  const name = `PostgreSQL ${version} at ${serverAddress(link.server)}`;
  if (number < oldestMajor * 10_000) throw new JournalError(`${name} is too old: it must be ${oldestMajor} or newer`);
  if (encoding !== 'UTF8') throw new JournalError(`${name} has a database in ${encoding}: it must be in UTF8`);
  return [`${name} answers, ${tls === null ? 'unencrypted' : `by ${tls}`}`];
}

/** Whether what is confirmed may be lost: by a crash, or when a standby takes over. */
async function aboutCommits(link: Link): Promise<string[]> {
  const [about] = await link.query<{
    commits: string;
    fsync: string;
    required: string;
    standbys: { name: string; sync: string | null }[];
    isMonitor: boolean;
  }>(
    `SELECT current_setting('synchronous_commit') AS commits, current_setting('fsync') AS fsync,
       current_setting('synchronous_standby_names') AS required,
       (SELECT coalesce(json_agg(json_build_object('name', application_name, 'sync', sync_state)), '[]')
        FROM pg_stat_replication) AS standbys,
       pg_has_role('pg_monitor', 'USAGE') AS "isMonitor"`,
  );
  if (about === undefined) return [];
  const { commits, fsync, required, standbys, isMonitor } = about;
  if (commits === 'off') {
    const cure = 'ALTER ROLE … SET synchronous_commit TO on';
    throw new JournalError(`synchronous_commit is off: a crash of the server loses confirmed notifications (${cure})`);
  }
  const lines = fsync === 'off' ? ['fsync is off: a power cut may destroy the database'] : [];
  if (standbys.length === 0)
    return [...lines, required === '' ? 'it has no standby' : 'it waits for a standby that is not there: commits hang'];
  if (commits === 'local') lines.push('synchronous_commit is local: no standby confirms what is taken');
  if (!isMonitor) {
    const count = pluralize(standbys.length, 'standby', 'standbys');
    const cure = 'GRANT pg_monitor TO … shows it';
    return [...lines, `it has ${count}; whether one of them is synchronous, this user may not see (${cure})`];
  }
  const isSafe = standbys.some(({ sync }) => sync === 'sync' || sync === 'quorum');
  if (isSafe) return [...lines, `its standby ${standbys.find(({ sync }) => sync !== 'async')?.name} is synchronous`];
  const names = standbys.map(({ name }) => name).join(', ');
  const lost = 'when it takes over, the last confirmed notifications may be lost';
  return [...lines, `no standby is synchronous (${names}): ${lost} (set synchronous_standby_names)`];
}

/** What keeps PostgreSQL from removing dead rows: it costs disk, and little else. */
async function aboutTransactions(link: Link): Promise<string[]> {
  const rows = await link.query<{ who: string; age: number }>(
    `SELECT coalesce(usename, 'replication') AS who, (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::bigint AS age
     FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
     UNION ALL
     SELECT owner::text, (extract(epoch FROM clock_timestamp() - prepared) * 1000)::bigint FROM pg_prepared_xacts
     ORDER BY 2 DESC LIMIT 1`,
  );
  return rows
    .filter(({ age }) => age > longOpen)
    .map(({ who, age }) => `a transaction of ${who} is open for ${Math.round(age / 60_000)} minutes: dead rows stay`);
}

async function aboutClock(link: Link): Promise<string[]> {
  const asked = Date.now();
  const [row] = await link.query<{ now: number }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
  );
  const skew = (asked + Date.now()) / 2 - (row?.now ?? 0);
  if (Math.abs(skew) < skewTold) return [];
  const side = skew > 0 ? 'ahead of' : 'behind';
  return [
    `this machine's clock is ${Math.round(Math.abs(skew) / 1_000)} s ${side} the server's: synchronise them (NTP)`,
  ];
}

async function aboutSize(link: Link): Promise<string> {
  const [row] = await link.query<{ size: number }>('SELECT pg_database_size(current_database()) AS size');
  return `the database has ${formatBytes(row?.size ?? 0)}; how much its disk has left, the server does not tell`;
}
