import { randomInt } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import pino from 'pino';
import { postgresServers } from '../../../common/net/postgres-url.ts';
import { type Copied, type Copying, JournalError } from '../../journal.ts';
import type { SharedLocation } from '../../open.ts';
import { openDatabase } from '../../sqlite/database.ts';
import { acquireLock, isLocked } from '../../sqlite/lock.ts';
import { type Database, Lane } from '../connection.ts';
import { headOf } from '../log-ranges.ts';
import { migrate } from '../migrate.ts';
import { Primary } from '../primary.ts';
import { copyEntries } from './entries.ts';
import { Places } from './places.ts';
import { copyRecords, countRecords } from './records.ts';
import { copyRoutes } from './routes.ts';

/** For one call, in milliseconds: some are about all that there is. */
const within = 600_000;

/** @throws JournalError */
export async function copyInto(location: SharedLocation, folder: string, copying: Copying): Promise<Copied> {
  const primary = new Primary(postgresServers(location.url), location.schema, pino({ level: 'silent' }));
  const database = new Lane(primary, { size: 1, within });
  try {
    await migrate(database, location.schema);
    return await copyJournal(database, folder, location.name, copying);
  } finally {
    await database.close();
  }
}

/**
 * Copies a journal in a folder, whose daemon is stopped, behind what the database has; with what its routes have settled.
 * Where it was cut off, it goes on; once all is there, it does nothing.
 * @param name of the daemon that has taken it
 * @throws JournalError
 */
export async function copyJournal(database: Database, folder: string, name: string, copying: Copying): Promise<Copied> {
  if (isLocked(folder)) throw new JournalError(`a daemon has the journal in ${folder}: stop it first`);
  const lock = acquireLock(folder);
  try {
    const source = openDatabase(folder);
    try {
      return await copy(database, source, folder, { ...copying, name });
    } finally {
      source.close();
    }
  } finally {
    lock.release();
  }
}

async function copy(
  database: Database,
  source: DatabaseSync,
  folder: string,
  copying: Copying & { readonly name: string },
): Promise<Copied> {
  const last = lastOf(source);
  const mark = `copied_${identityOf(source)}`;
  const [done] = await database.query<{ value: number }>('SELECT value FROM facts WHERE name = $1', [mark]);
  if (done !== undefined) return alreadyCopied(folder, done.value, last);
  await refuseDaemons(database);
  await refuseRoutesBehind(database, source, copying);
  const places = await Places.read(source, database);
  const before = places.known;
  const records = countRecords(source);
  const all = places.count + records;
  const tell = (count: number) => copying.tell(count, all);
  await copyEntries(database, source, places, copying, tell);
  const taken = await copyRecords(database, source, places, { ...copying, mark }, (count) =>
    tell(places.count + count),
  );
  const routes = await database.transaction(async (within) => {
    await refuseDaemons(within);
    const count = await copyRoutes(within, source, places, copying);
    await within.query('INSERT INTO facts (name, value) VALUES ($1, $2)', [mark, last]);
    return count;
  });
  return { notifications: places.count, before, records: taken, routes, isNew: true };
}

/** A number that is this journal's alone: it is told by it wherever its folder is. */
function identityOf(source: DatabaseSync): number {
  source.prepare("INSERT OR IGNORE INTO facts (name, value) VALUES ('copied_as', ?)").run(randomInt(1, 2 ** 47));
  return Number(source.prepare("SELECT value FROM facts WHERE name = 'copied_as'").get()?.value);
}

function lastOf(source: DatabaseSync): number {
  return Number(source.prepare('SELECT ifnull(max(seq), 0) AS last FROM notifications').get()?.last);
}

function alreadyCopied(folder: string, through: number, last: number): Copied {
  if (last > through)
    throw new JournalError(
      `the journal in ${folder} was copied, and a daemon has taken notifications into it since: start one with it again and let ` +
        'its routes deliver them',
    );
  return { notifications: 0, before: 0, records: 0, routes: 0, isNew: false };
}

/** What they append would come in between. */
async function refuseDaemons(within: Pick<Database, 'query'>): Promise<void> {
  const living = await within.query<{ name: string }>(
    'SELECT name FROM daemons WHERE stopped_at IS NULL AND is_alive(holder) ORDER BY name',
  );
  if (living.length === 0) return;
  throw new JournalError(
    `daemons run with the database: stop ${living.map(({ name }) => name).join(', ')}, and start them when all is copied`,
  );
}

/** A route has one place in the log: with what is copied behind it, what it hasn't delivered yet can't be told any more. */
async function refuseRoutesBehind(database: Database, source: DatabaseSync, { routeIn }: Copying): Promise<void> {
  const names = source.prepare('SELECT name FROM routes').all();
  const behind = await database.query<{ route: string; count: number }>(
    `SELECT r.route, $2::bigint - p.cursor AS count FROM routes r,
       LATERAL (SELECT cursor FROM progress WHERE route = r.route ORDER BY epoch DESC, n DESC LIMIT 1) p
     WHERE r.route = ANY ($1) AND p.cursor < $2::bigint ORDER BY r.route`,
    [names.map(({ name }) => routeIn(String(name))), await headOf(database)],
  );
  const [first] = behind;
  if (first === undefined) return;
  throw new JournalError(
    `the route ${first.route} is behind in the database by ${first.count} notifications: let a daemon deliver them, stop it, and ` +
      'run this again',
  );
}
