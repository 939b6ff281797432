import { type Found, fillColumn, type Grammar } from './dialect.ts';
import { type Form, formOf } from './forms.ts';
import type { Column, ColumnType, Table } from './table.ts';

/** What a table that can take no row at all should have, and what an operator can do about it. */
interface Misfit {
  readonly what: string;
  readonly remedy: string;
}

/** Why each row would be refused by the table as it is; none where that isn't certain. */
export function misfitsIn({ columns }: Table, found: Found, grammar: Grammar): Misfit[] {
  const isOurs = (name: string) => columns.some((column) => column.name === name);
  return [
    ...columns.flatMap((column) => typeMisfit(column, found.columns.get(column.name), grammar)),
    ...found.demanding
      .filter((name) => !isOurs(name))
      .map((name) => ({
        what: `a value for the column ${name}, which is NOT NULL and which nothing fills`,
        remedy: fillColumn,
      })),
  ];
}

/** The form of what goes into a column, where a column of that type can hold nothing of it. */
export function unfitForm(column: Column, type: string, grammar: Grammar): Form | undefined {
  const form = formOf(column);
  return form !== undefined && grammar.refuses(type, form) ? form : undefined;
}

function typeMisfit(column: Column, type: string | undefined, grammar: Grammar): Misfit[] {
  const form = type === undefined ? undefined : unfitForm(column, type, grammar);
  if (type === undefined || form === undefined) return [];
  const { made, instead } = fitting[form];
  const make = `make it ${grammar.typeOf({ ...column, type: made })}`;
  const write =
    instead === undefined || grammar.refuses(type, instead)
      ? ''
      : `, or write "${column.path.join('.')} ${fitting[instead].made}" in columns`;
  return [{ what: `a column ${column.name} that can hold ${form}: it is ${type}`, remedy: make + write }];
}

/** What a column of each form is made as, and the form of the same that may fit a type which this one doesn't. */
const fitting: Readonly<Record<Form, { readonly made: ColumnType; readonly instead?: Form }>> = {
  'an id': { made: 'id' },
  'a time': { made: 'timestamp' },
  'a time as text': { made: 'text', instead: 'a time' },
  'a boolean': { made: 'boolean' },
  'a boolean as text': { made: 'text', instead: 'a boolean' },
  JSON: { made: 'json' },
};
