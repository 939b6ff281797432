import type { DatabaseSync } from 'node:sqlite';
import type { TableInfo } from '../dialect.ts';
import type { Table } from '../table.ts';

/** What a file of SQLite has of the table. */
export function introspect(database: DatabaseSync, { name }: Table): TableInfo | undefined {
  const columns = database.prepare(columnsQuery).all(name);
  if (columns.length === 0) return undefined;
  const [kind] = database
    .prepare("SELECT strict, wr FROM pragma_table_list WHERE schema = 'main' AND name = ?")
    .all(name);
  const keys = columns.filter(({ pk }) => Number(pk) > 0);
  // Is the number of the row: it takes nothing but whole numbers in any table, and gives itself one.
  const isRowId = ({ pk, type }: PragmaRow) =>
    Number(pk) > 0 && keys.length === 1 && /^INTEGER$/i.test(String(type)) && kind?.wr === 0;
  return {
    columns: new Map(
      columns.map((column) => [
        String(column.name),
        kind?.strict === 1 || isRowId(column) ? String(column.type) : 'ANY',
      ]),
    ),
    indexes: [
      ...database
        .prepare(indexesQuery)
        .all(name)
        .map((index) => ({
          unique: index.isUnique === 1,
          columns: namesOf(database.prepare(partsQuery).all(String(index.name))),
        })),
      // The primary key is in no list of indexes where it is an integer.
      { unique: true, columns: namesOf(keys) },
    ],
    partitioned: false,
    requiredWithoutDefault: namesOf(columns.filter((column) => column.isRequired === 1 && !isRowId(column))),
  };
}

type PragmaRow = Record<string, unknown>;

function namesOf(rows: readonly PragmaRow[]): string[] {
  return rows.map((row) => String(row.name));
}

/** Generated columns aren't among them. */
const columnsQuery = `
  SELECT name, type, pk, "notnull" AND coalesce(upper(dflt_value), 'NULL') = 'NULL' AS isRequired
  FROM pragma_table_info(?) ORDER BY pk`;

const indexesQuery = 'SELECT name, "unique" AS isUnique FROM pragma_index_list(?) WHERE NOT partial';
const partsQuery = 'SELECT name FROM pragma_index_info(?) ORDER BY seqno';
