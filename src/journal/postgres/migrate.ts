import pg from 'pg';
import { JournalError } from '../journal.ts';
import type { Database, Queryable } from './connection.ts';
import { migrations as all } from './migrations.ts';

/** The version that this program works with. */
export const newestVersion = all.length;

/**
 * Makes the journal's tables in its schema, or brings them to the newest version, in one transaction, while nobody else does.
 * @throws JournalError where they are newer, or a daemon runs that knows only the older ones
 */
export function migrate(database: Database, schema: string, migrations: readonly string[] = all): Promise<void> {
  return database.transaction(async (within) => {
    // Whoever comes second waits, and finds all done.
    await within.query("SET LOCAL lock_timeout TO '30s'");
    await within.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [lock, schema]);
    await makeSchema(within, schema);
    const version = await versionOf(within, schema);
    if (version > migrations.length) throw newer(schema, version);
    if (version === migrations.length) return;
    if (version > 0) await refuseBesideOthers(within, schema);
    else await within.query('CREATE TABLE version (version integer NOT NULL)');
    for (const sql of migrations.slice(version)) await within.query(sql);
    await within.query('DELETE FROM version');
    await within.query(`INSERT INTO version VALUES (${migrations.length})`);
  });
}

/** @throws JournalError where a journal isn't there, or this program can't work with it as it is */
export async function refuseOtherVersion(database: Queryable, schema: string): Promise<void> {
  const version = await versionOf(database, schema);
  if (version > newestVersion) throw newer(schema, version);
  if (version === newestVersion) return;
  throw new JournalError(
    version === 0
      ? `there is no journal in the schema ${schema}: has kazoo-relay run with this configuration yet?`
      : `the journal in the schema ${schema} has version ${version}, not ${newestVersion}: start a daemon of this version once to ` +
          'bring it up to date',
  );
}

/** With the number of a schema's name, of all advisory locks of a database: "kzrl" in ASCII. */
const lock = 0x6b7a726c;

async function makeSchema(within: Queryable, schema: string): Promise<void> {
  // Who may not make any is refused one that is there already, too.
  const [found] = await within.query<{ is: boolean }>(
    'SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS is',
    [schema],
  );
  if (found?.is !== true) await within.query(`CREATE SCHEMA ${pg.escapeIdentifier(schema)}`);
}

/** 0 where there is none. */
async function versionOf(database: Queryable, schema: string): Promise<number> {
  const [table] = await database.query<{ is: boolean }>('SELECT to_regclass($1) IS NOT NULL AS is', [
    `${pg.escapeIdentifier(schema)}.version`,
  ]);
  if (table?.is !== true) return 0;
  const [row] = await database.query<{ version: number }>('SELECT version FROM version');
  return row?.version ?? 0;
}

async function refuseBesideOthers(within: Queryable, schema: string): Promise<void> {
  const living = await within.query<{ name: string; version: string }>(
    'SELECT name, version FROM daemons WHERE stopped_at IS NULL AND is_alive(holder) ORDER BY name',
  );
  if (living.length === 0) return;
  const names = living.map(({ name, version }) => `${name} (${version})`).join(', ');
  throw new JournalError(
    `the journal in the schema ${schema} is to be brought to a newer version, and daemons run that don't know it: stop ${names}`,
  );
}

function newer(schema: string, version: number): JournalError {
  return new JournalError(
    `the journal in the schema ${schema} was written by a newer kazoo-relay (its version is ${version}, this one knows ` +
      `${newestVersion}): run that version again, or give this one a new journal.schema`,
  );
}
