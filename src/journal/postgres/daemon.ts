import { setTimeout as delay } from 'node:timers/promises';
import { type AboutDaemon, JournalError } from '../journal.ts';
import type { Queryable } from './connection.ts';
import { ttl } from './lease.ts';

/** Between looks whether a daemon of the same name still lives, and for how long that is waited for, in milliseconds. */
const lookEvery = 250;
const usualPatience = ttl + 1_000;

/**
 * Enters a run of a daemon, before its first sign of life. One that was killed lives for some seconds more.
 * @param holder what this run is called; @returns the number of its name, by which entries tell who has taken them
 * @throws JournalError where a daemon of this name lives
 */
export async function enterDaemon(
  database: Queryable,
  holder: string,
  name: string,
  { version, configuration }: AboutDaemon,
  patience = usualPatience,
): Promise<number> {
  const [host] = await database.query<{ number: number }>(
    `WITH added AS (INSERT INTO hosts (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING number)
     SELECT number FROM added UNION ALL SELECT number FROM hosts WHERE name = $1`,
    [name],
  );
  await refuseSecond(database, name, patience);
  await database.query('INSERT INTO daemons (holder, name, version, configuration) VALUES ($1, $2, $3, $4)', [
    ...[holder, name, version, configuration],
  ]);
  // It asks for its routes anew.
  await database.query('UPDATE registrations SET wanted = false WHERE name = $1 AND wanted', [name]);
  return host?.number ?? 0;
}

/** The same again, where the server hasn't it any more. */
export async function enterAgain(
  database: Queryable,
  holder: string,
  { number, name }: { readonly number: number; readonly name: string },
  { version, configuration }: AboutDaemon,
): Promise<void> {
  await database.query(
    'INSERT INTO hosts (number, name) OVERRIDING SYSTEM VALUE VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [number, name],
  );
  await database.query(
    'INSERT INTO daemons (holder, name, version, configuration) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [holder, name, version, configuration],
  );
}

export async function describeDaemon(
  database: Queryable,
  holder: string,
  { version, configuration }: AboutDaemon,
): Promise<void> {
  await database.query('UPDATE daemons SET version = $2, configuration = $3 WHERE holder = $1', [
    ...[holder, version, configuration],
  ]);
}

async function refuseSecond(database: Queryable, name: string, patience: number): Promise<void> {
  const start = performance.now();
  for (;;) {
    const [other] = await database.query<{ version: string; since: number }>(
      `SELECT version, started_at AS since FROM daemons WHERE name = $1 AND stopped_at IS NULL AND is_alive(holder)`,
      [name],
    );
    if (other === undefined) return;
    if (performance.now() - start > patience)
      throw new JournalError(
        `a daemon of the name ${name} has the shared journal already (version ${other.version}, since ` +
          `${new Date(other.since).toISOString()}): give each daemon a name of its own`,
      );
    await delay(lookEvery);
  }
}
