import type { Grammar, TableInfo } from './dialect.ts';
import { fillColumn } from './errors.ts';
import { type Column, type ColumnType, type Table, type ValueKind, valueKindOf } from './table.ts';

/** What a table that can take no row at all should have, and what an operator can do about it. */
interface Incompatibility {
  readonly what: string;
  readonly remedy: string;
}

/** Why each row would be refused by the table as it is; none where that isn't certain. */
export function incompatibilitiesIn({ columns }: Table, found: TableInfo, grammar: Grammar): Incompatibility[] {
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

/** The kind of what goes into a column, where a column of that type can hold nothing of it. */
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
