import type pg from 'pg';
import { timeoutMargin } from '../dialect.ts';

/** One transaction's connection. */
export type Transaction = Pick<pg.PoolClient, 'query'>;

/** Of the advisory lock under which tables are changed. Any number will do that nobody else uses. */
export const ourLock = 5_710_442_801_733;

/**
 * Locks have a little less time than statements, so that the error says which it was. Should we stand still in the
 * middle, the server ends the transaction.
 */
export function begin(statementTimeout: number, factor: number): string {
  return (
    `BEGIN; SET LOCAL statement_timeout = ${statementTimeout * factor}; ` +
    `SET LOCAL lock_timeout = ${Math.ceil(statementTimeout * 0.8)}; ` +
    `SET LOCAL idle_in_transaction_session_timeout = ${statementTimeout * factor + timeoutMargin}`
  );
}

/**
 * Names and types of a table's columns, without their lengths: -1 says so. NULL would make `character` of a
 * `character(36)`, and that is one of a single character.
 */
export const columnsQuery = `
  SELECT attname AS name, format_type(atttypid, -1) AS type
  FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`;

/** The columns of each index of a table; one over an expression has an empty name there. */
export const indexesQuery = `
  SELECT indisunique AND indpred IS NULL AS unique,
    ARRAY(SELECT coalesce(attname::text, '') FROM generate_series(0, indnkeyatts - 1) n
      LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[n] ORDER BY n) AS columns
  FROM pg_index WHERE indrelid = to_regclass($1) AND indisvalid`;

/** Whether our user may make something in the schema of a table, and change the table: NULL where one isn't there. */
export const rightsQuery = `
  SELECT schema, has_schema_privilege(to_regnamespace(quote_ident(schema)), 'CREATE') AS "mayCreate",
    (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass($1)) AS "isOwner"
  FROM (SELECT coalesce($2, current_schema()) AS schema) here`;

/** Of a trigger: for each row (1), before (2) an insert (4). */
const beforeEachInsert = 7;

/** Columns that nothing fills: no default, trigger or rule, nor another server, as with a foreign table. */
const requiredWithoutDefault = `
  SELECT attname::text FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND (attnotnull OR typnotnull)
    AND NOT atthasdef AND attidentity = '' AND typdefault IS NULL AND relkind IN ('r', 'p') AND NOT relhasrules
    AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgtype & ${beforeEachInsert} = ${beforeEachInsert}
      AND (tgrelid = c.oid OR tgrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = c.oid)))`;

/** The kind of the table, and our user's permissions on it, or on at least some of its columns. */
export const tableQuery = `
  SELECT relkind AS kind, ARRAY(${requiredWithoutDefault}) AS "requiredWithoutDefault",
    ARRAY(SELECT privilege FROM unnest(ARRAY['SELECT', 'INSERT', 'DELETE']) privilege
      WHERE CASE privilege WHEN 'DELETE' THEN has_table_privilege(oid, privilege)
        ELSE has_any_column_privilege(oid, privilege) END) AS privileges
  FROM pg_class c WHERE oid = to_regclass($1)`;
