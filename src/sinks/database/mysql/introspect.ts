import type mysql from 'mysql2/promise';
import { reasonOf } from '../../../common/errors.ts';
import type { TableInfo } from '../dialect.ts';
import { qualified } from '../schema.ts';
import type { Table } from '../table.ts';
import { isForbidden } from './errors.ts';
import { grammar } from './grammar.ts';

/** What a server has of the table, as far as our user may see it. */
export async function introspect(
  connection: mysql.PoolConnection,
  { schema, name }: Table,
): Promise<TableInfo | undefined> {
  const where = [schema ?? null, name];
  const [columns] = await connection.query<mysql.RowDataPacket[]>(columnsQuery, where);
  if (columns.length === 0) return undefined;
  const [parts] = await connection.query<mysql.RowDataPacket[]>(indexesQuery, where);
  // It only improves messages: a server that can't answer it is usable all the same.
  const [[triggers]] = await connection.query<mysql.RowDataPacket[]>(triggersQuery, where).catch(() => [[]]);
  const indexes = Object.values(Object.groupBy(parts, ({ name }) => String(name))).map((parts = []) => ({
    unique: parts.every(({ isUnique }) => isUnique === 1),
    columns: parts.map(({ column }) => String(column)),
  }));
  const [[limits]] = await connection.query<mysql.RowDataPacket[]>('SELECT @@max_allowed_packet AS statement');
  const nothingFills = triggers?.areKnown === 1 && triggers.fill === 0;
  return {
    columns: new Map(columns.map(({ name, type }) => [String(name), String(type)])),
    indexes,
    partitioned: false,
    largestStatement: Number(limits?.statement ?? Number.POSITIVE_INFINITY),
    requiredWithoutDefault: columns
      .filter(({ isRequired }) => nothingFills && isRequired === 1)
      .map(({ name }) => String(name)),
  };
}

/** Why our user can't create the table; undefined if it can, or if that is unknown. */
export async function migrationObstacle(
  connection: mysql.PoolConnection,
  { schema, name }: Table,
): Promise<string | undefined> {
  const [[here]] = await connection.query<mysql.RowDataPacket[]>(databaseQuery, [schema ?? null]);
  if (!here?.name) return 'no database is named: put one behind the host of the url, or into schema';
  const place = String(here.name);
  try {
    // The server looks at the right, and makes nothing: whatever gives it, a role, a pattern, or a grant to everybody.
    const table = qualified({ schema: place, name }, grammar);
    await connection.query(`PREPARE kazoo_relay FROM 'CREATE TABLE ${table} (id int)'`);
  } catch (error) {
    if (!isForbidden(error)) return reasonOf(error);
    const grant = `GRANT CREATE ON ${grammar.quote(place)}.* TO …`;
    // A database that our user may do nothing in isn't shown to him.
    return here.isSeen === 1
      ? `this user may make nothing in the database ${place} (${grant})`
      : `there is no database ${place}, or this user may make nothing in it (CREATE DATABASE, or ${grant})`;
  }
  return here.isSeen === 1 ? undefined : `there is no database ${place}`;
}

/** Where no value is given, ENUM takes its first one. */
const columnsQuery = `
  SELECT column_name AS name, data_type AS type, is_nullable = 'NO' AND column_default IS NULL AND data_type <> 'enum'
    AND extra NOT LIKE '%auto_increment%' AND extra NOT LIKE '%GENERATED%' AS isRequired
  FROM information_schema.columns
  WHERE table_schema = coalesce(?, database()) AND table_name = ?`;

const indexesQuery = `
  SELECT index_name AS name, column_name AS \`column\`, non_unique = 0 AS isUnique FROM information_schema.statistics
  WHERE table_schema = coalesce(?, database()) AND table_name = ? ORDER BY index_name, seq_in_index`;

/** Whether a trigger may fill columns. Triggers are visible only with the TRIGGER right; rights given by a role can't be seen. */
const triggersQuery = `
  SELECT
    EXISTS (SELECT 1 FROM information_schema.triggers WHERE event_object_schema = place AND event_object_table = name
      AND action_timing = 'BEFORE' AND event_manipulation = 'INSERT') AS fill,
    'TRIGGER' IN (
      SELECT privilege_type FROM information_schema.user_privileges WHERE grantee = me
      UNION SELECT privilege_type FROM information_schema.schema_privileges WHERE grantee = me AND place LIKE table_schema
      UNION SELECT privilege_type FROM information_schema.table_privileges
        WHERE grantee = me AND table_schema = place AND table_name = name) AS areKnown
  FROM (SELECT coalesce(?, database()) AS place, ? AS name,
    concat('''', replace(current_user(), '@', '''@'''), '''') AS me) here`;

const databaseQuery = `
  SELECT here.name, EXISTS (SELECT 1 FROM information_schema.schemata WHERE schema_name = here.name) AS isSeen
  FROM (SELECT coalesce(?, database()) AS name) here`;
