import type { Login, Logins } from '../logins.ts';
import type { Queryable } from './connection.ts';

/** A session isn't written anew with each request: it lasts for as exactly as this part of its life. */
const slack = 1 / 100;

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
  };
}

/** Removes those that are over. @returns whether there is more to do */
export async function forgetLogins(within: Queryable): Promise<boolean> {
  await within.query('DELETE FROM logins WHERE until <= now_ms()');
  return false;
}
