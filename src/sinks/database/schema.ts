import type { Grammar, TableInfo } from './dialect.ts';
import { fillColumn } from './errors.ts';
import { type Column, type ColumnType, type Table, type ValueKind, valueKindOf } from './table.ts';

/** Something that a table should have and hasn't. */
interface SchemaDifference {
  readonly what: string;
  /** The statements that make it; undefined if the daemon can't. */
  readonly statements: readonly string[] | undefined;
  /** What an operator can do, if the table's SQL doesn't say it. */
  readonly remedy?: string;
}

/** The SQL that makes the table, its indexes and all that belongs to it, in a database that has nothing of it. */
export function schemaOf(table: Table, grammar: Grammar): readonly string[] {
  return schemaDiff(table, undefined, grammar).flatMap(({ statements }) => statements ?? []);
}

/** What `found` lacks of the table, in the order in which it must be made. */
export function schemaDiff(table: Table, found: TableInfo | undefined, grammar: Grammar): readonly SchemaDifference[] {
  const name = qualified(table, grammar);
  if (found === undefined) {
    const statements = [
      createTable(table, grammar),
      ...table.indexes.map((index) => createIndex(table, index, grammar)),
    ];
    return [
      {
        what: `the table ${name}`,
        statements: table.operatorOwned ? undefined : [...statements, ...grammar.furtherStatements(table)],
      },
    ];
  }
  const differences: SchemaDifference[] = table.columns
    .filter((column) => !found.columns.has(column.name))
    .map((column) => ({
      what: `the column ${column.name} (${grammar.typeOf(column)})`,
      // A table without one of the required columns was never ours: it only has the same name.
      statements:
        table.operatorOwned || column.required
          ? undefined
          : [`ALTER TABLE ${name} ADD COLUMN ${columnDefinition(column, grammar)}`],
    }));
  for (const incompatibility of incompatibilitiesIn(table, found, grammar))
    differences.push({ ...incompatibility, statements: undefined });
  if (!found.indexes.some(({ unique, columns }) => unique && isSame(columns, table.key))) {
    differences.push({ what: `a unique index on exactly (${table.key.join(', ')})`, statements: undefined });
  }
  if (table.partitioned && !found.partitioned) {
    differences.push({
      what: 'its partitioning: a table that exists has to be replaced for it',
      statements: undefined,
    });
  }
  for (const index of table.indexes) {
    if (found.indexes.some(({ columns }) => isSame(columns.slice(0, index.columns.length), index.columns))) continue;
    differences.push({
      what: `an index on (${index.columns.join(', ')})`,
      statements: [createIndex(table, index, grammar)],
    });
  }
  return differences;
}

/** Lacks as one text. */
export function describeDifferences(differences: readonly SchemaDifference[]): string {
  return differences.map(({ what, remedy }) => (remedy === undefined ? what : `${what} (${remedy})`)).join('; ');
}

/** The table's name, quoted, behind that of its schema where it has one. */
export function qualified({ schema, name }: Pick<Table, 'schema' | 'name'>, { quote }: Grammar): string {
  return schema === undefined ? quote(name) : `${quote(schema)}.${quote(name)}`;
}

function createTable(table: Table, grammar: Grammar): string {
  const lines = [
    ...table.columns.map((column) => columnDefinition(column, grammar)),
    `PRIMARY KEY (${identifierList(table.key, grammar)})`,
  ];
  return `CREATE TABLE ${qualified(table, grammar)} (\n  ${lines.join(',\n  ')}\n)${grammar.tableOptions(table)}`;
}

function columnDefinition(column: Column, grammar: Grammar): string {
  return `${grammar.quote(column.name)} ${grammar.typeOf(column)}${column.required ? ' NOT NULL' : ''}`;
}

function createIndex(table: Table, index: Table['indexes'][number], grammar: Grammar): string {
  return `CREATE INDEX ${grammar.quote(index.name)} ON ${qualified(table, grammar)} (${identifierList(index.columns, grammar)})`;
}

/** Identifiers with commas between them. */
export function identifierList(names: readonly string[], { quote }: Grammar): string {
  return names.map(quote).join(', ');
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}

/** The requirement of a table that can take no row at all, and what an operator can do. */
interface Incompatibility {
  readonly what: string;
  readonly remedy: string;
}

/** Why each row would be refused by the table as it is; none where that isn't certain. */
function incompatibilitiesIn({ columns }: Table, found: TableInfo, grammar: Grammar): Incompatibility[] {
  const isOurs = (name: string) => columns.some((column) => column.name === name);
  return [
    ...columns.flatMap((column) => typeIncompatibility(column, found.columns.get(column.name), grammar)),
    ...found.requiredWithoutDefault
      .filter((name) => !isOurs(name))
      .map((name) => ({
        what: `a value for the column ${name}, which is NOT NULL and which nothing fills`,
        remedy: fillColumn,
      })),
  ];
}

/** The kind of a column's values, if a column of that type can't hold any of them. */
export function refusedKind(column: Column, type: string, grammar: Grammar): ValueKind | undefined {
  const kind = valueKindOf(column);
  return kind !== undefined && grammar.refuses(type, kind) ? kind : undefined;
}

function typeIncompatibility(column: Column, type: string | undefined, grammar: Grammar): Incompatibility[] {
  const kind = type === undefined ? undefined : refusedKind(column, type, grammar);
  if (type === undefined || kind === undefined) return [];
  const { made, instead } = fitting[kind];
  const make = `make it ${grammar.typeOf({ ...column, type: made })}`;
  const write =
    instead === undefined || grammar.refuses(type, instead)
      ? ''
      : `, or write "${column.path.join('.')} ${fitting[instead].made}" in columns`;
  return [{ what: `a column ${column.name} that can hold ${kind}: it is ${type}`, remedy: make + write }];
}

/** What a column of each kind is made as, and the kind of the same that may fit a type which this one doesn't. */
const fitting: Readonly<Record<ValueKind, { readonly made: ColumnType; readonly instead?: ValueKind }>> = {
  'an id': { made: 'id' },
  'a time': { made: 'timestamp' },
  'a time as text': { made: 'text', instead: 'a time' },
  'a boolean': { made: 'boolean' },
  'a boolean as text': { made: 'text', instead: 'a boolean' },
  JSON: { made: 'json' },
};
