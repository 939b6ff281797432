import { JournalError } from '../journal.ts';
import type { Queryable } from './link.ts';

/**
 * Whether this user may do what a daemon does, and whether the journal is there already, in a sentence. A daemon makes tables and
 * drops them as time goes on, and only their owner may.
 * @param newest version of a journal that this program knows
 * @throws JournalError with the statements that give what is missing
 */
export async function rightsOf(database: Queryable, schema: string, newest: number): Promise<string> {
  const [found] = await database.query<Found>(
    `SELECT current_user AS "user", current_database() AS "database",
       EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS "isThere",
       has_database_privilege(current_database(), 'CREATE') AS "mayCreateSchema",
       coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1), false) AS "mayCreateTables",
       (SELECT pg_get_userbyid(relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname = $1 AND relkind IN ('r', 'p', 'v') AND NOT pg_has_role(relowner, 'USAGE') LIMIT 1) AS "otherOwner",
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname = $1 AND relname = 'version') AS "hasJournal"`,
    [schema],
  );
  if (found === undefined) throw new JournalError('the server does not say what this user may do');
  const { user, database: name, isThere, mayCreateSchema, mayCreateTables, otherOwner, hasJournal } = found;
  const refuse = (what: string, cure: string) => new JournalError(`${what} (as a superuser: ${cure})`);
  const own = `CREATE SCHEMA ${schema} AUTHORIZATION ${user}`;
  if (!isThere && !mayCreateSchema)
    throw refuse(`${name} has no schema ${schema}, and the user ${user} may not make it`, own);
  if (!isThere) return `the schema ${schema} is not there yet: the daemon makes it at its start`;
  if (otherOwner !== null)
    throw refuse(
      `the journal in the schema ${schema} belongs to ${otherOwner}, and ${user} may not tidy it`,
      `GRANT ${otherOwner} TO ${user}`,
    );
  if (!mayCreateTables)
    throw refuse(
      `the user ${user} may not make tables in the schema ${schema}`,
      `ALTER SCHEMA ${schema} OWNER TO ${user}`,
    );
  if (!hasJournal) return `the schema ${schema} is empty: the daemon makes its tables at its start`;
  const [version] = await database.query<{ version: number }>('SELECT version FROM version');
  return aboutVersion(schema, version?.version ?? 0, newest);
}

interface Found {
  readonly user: string;
  readonly database: string;
  readonly isThere: boolean;
  readonly mayCreateSchema: boolean;
  readonly mayCreateTables: boolean;
  readonly otherOwner: string | null;
  readonly hasJournal: boolean;
}

function aboutVersion(schema: string, version: number, newest: number): string {
  const what = `the schema ${schema} has a journal of version ${version}`;
  if (version > newest)
    throw new JournalError(
      `${what}, and this program knows up to ${newest}: run a newer one, or name another journal.schema`,
    );
  return version === newest ? what : `${what}, which the daemon brings to ${newest} when no other one runs`;
}
