import type { Login, Logins } from '../logins.ts';
import type { Queryable } from './connection.ts';

/** A session isn't written anew with each request: it lasts for as exactly as this part of its life. */
const slack = 1 / 100;

/** What has failed is forgotten when nobody has tried for so many milliseconds. */
const failuresKept = 3_600_000;

/** Those that all daemons have in common. */
export function sharedLogins(database: Queryable): Logins {
  const one = async (sql: string, values: readonly unknown[]) => (await database.query<Login>(sql, values))[0] ?? null;
  return {
    async add(kind, key, { name, role, mark }, life, most) {
      await database.query(
        `WITH over AS (DELETE FROM logins WHERE until <= now_ms() OR (kind = $1 AND number <= (
           SELECT number FROM logins WHERE kind = $1 ORDER BY number DESC OFFSET $7 - 1 LIMIT 1)))
         INSERT INTO logins (kind, key, name, role, mark, until) VALUES ($1, $2, $3, $4, $5, now_ms() + $6)`,
        [kind, key, name, role, mark, life, most],
      );
    },
    find: (kind, key, life) =>
      one(
        `WITH kept AS (UPDATE logins SET until = now_ms() + $3::bigint WHERE kind = $1 AND key = $2 AND until > now_ms()
           AND abs(until - now_ms() - $3::bigint) > $3::bigint * ${slack})
         SELECT name, role, mark FROM logins WHERE kind = $1 AND key = $2 AND until > now_ms()`,
        [kind, key, life ?? null],
      ),
    take: (kind, key) =>
      one(
        `WITH taken AS (DELETE FROM logins WHERE kind = $1 AND key = $2 RETURNING name, role, mark, until)
         SELECT name, role, mark FROM taken WHERE until > now_ms()`,
        [kind, key],
      ),
    async takeTurn(pause, longest) {
      const [turn] = await database.query<{ wait: number }>(
        `INSERT INTO login_turns AS t (failures, at) VALUES (1, now_ms())
         ON CONFLICT (one) DO UPDATE SET failures = t.failures + 1,
           at = greatest(t.at, now_ms()) + least($2::bigint, $1::bigint * t.failures)
         RETURNING greatest(0, at - now_ms()) AS wait`,
        [pause, longest],
      );
      return turn?.wait ?? 0;
    },
    succeeded: async () => void (await database.query('DELETE FROM login_turns')),
  };
}

/** Removes those that are over, and old failures. @returns whether there is more to do */
export async function forgetLogins(within: Queryable): Promise<boolean> {
  await within.query('DELETE FROM logins WHERE until <= now_ms()');
  await within.query('DELETE FROM login_turns WHERE at <= now_ms() - $1::bigint', [failuresKept]);
  return false;
}
