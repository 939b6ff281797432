import pino from 'pino';
import { postgresServers } from '../../../common/net/postgres-url.ts';
import type { CopySource } from '../../folder-journals.ts';
import { type Copied, type Copying, JournalError } from '../../journal.ts';
import type { SharedLocation } from '../../location.ts';
import { type Database, Lane } from '../connection.ts';
import { headOf } from '../log-ranges.ts';
import { migrate } from '../migrate.ts';
import { Primary } from '../primary.ts';
import { copyEntries } from './entries.ts';
import { Places } from './places.ts';
import { copyRecords, countRecords } from './records.ts';
import { copyRoutes } from './routes.ts';

/** For one call, and between two, in milliseconds: some are about all that there is. */
const within = 600_000;

/**
 * Copies a journal in a folder, whose daemon is stopped, into that of a database, with what its routes have settled.
 * @throws JournalError
 */
export async function copyInto(
  { url, schema, name }: SharedLocation,
  openSource: () => CopySource,
  copying: Copying,
): Promise<Copied> {
  const source = openSource();
  const primary = new Primary(postgresServers(url), schema, pino({ level: 'silent' }));
  const database = new Lane(primary, { size: 1, within, idleTimeout: within });
  try {
    await migrate(database, schema);
    return await copyJournal(database, source, name, copying);
  } finally {
    await database.close();
    source.close();
  }
}

/**
 * Copies it behind what the database has. Where it was cut off, it goes on; once all is there, it does nothing.
 * @param name of the daemon that has taken it
 */
export async function copyJournal(
  database: Database,
  source: CopySource,
  name: string,
  copying: Copying,
): Promise<Copied> {
  const mark = `copied_${source.identity}`;
  const [done] = await database.query<{ value: number }>('SELECT value FROM facts WHERE name = $1', [mark]);
  if (done !== undefined) return alreadyCopied(source, done.value);
  await refuseDaemons(database);
  await refuseRoutesBehind(database, source, copying);
  const places = await Places.read(source, database);
  const before = places.known;
  const all = places.count + countRecords(source);
  const tell = (count: number) => copying.tell(count, all);
  await copyEntries(database, source, places, { ...copying, name }, tell);
  const records = await copyRecords(database, source, places, { ...copying, name, mark }, (count) =>
    tell(places.count + count),
  );
  const routes = await database.transaction(async (within) => {
    await refuseDaemons(within);
    const count = await copyRoutes(within, source, places, copying);
    await within.query('INSERT INTO facts (name, value) VALUES ($1, $2)', [mark, source.last]);
    return count;
  });
  return { notifications: places.count, before, records, routes, isNew: true };
}

function alreadyCopied({ folder, last }: CopySource, through: number): Copied {
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
async function refuseRoutesBehind(database: Database, source: CopySource, { routeIn }: Copying): Promise<void> {
  const behind = await database.query<{ route: string; count: number }>(
    `SELECT r.route, $2::bigint - p.cursor AS count FROM routes r,
       LATERAL (SELECT cursor FROM progress WHERE route = r.route ORDER BY epoch DESC, n DESC LIMIT 1) p
     WHERE r.route = ANY ($1) AND p.cursor < $2::bigint ORDER BY r.route`,
    [source.all('routes').map(({ route }) => routeIn(String(route))), await headOf(database)],
  );
  const [first] = behind;
  if (first === undefined) return;
  throw new JournalError(
    `the route ${first.route} is behind in the database by ${first.count} notifications: let a daemon deliver them, stop it, and ` +
      'run this again',
  );
}
