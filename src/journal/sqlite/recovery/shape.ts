import type { DatabaseSync } from 'node:sqlite';
import { isBlob, isInteger, isText } from './record.ts';

/**
 * How the records of a table or an index look: by it they are recognised on a page of which nobody knows whose it is.
 */
export interface Shape {
  readonly of: 'table' | 'index';
  readonly columns: readonly Column[];
}

interface Column {
  readonly name: string;
  readonly fits: (type: number) => boolean;
  /** True where a record may lack it: it was written before a migration added the column. */
  readonly mayLack: boolean;
}

const types = { INTEGER: isInteger, TEXT: isText, BLOB: isBlob };

/**
 * The rows of a table, as the newest version has it. A migration that does more than to add columns must bring here
 * what rows were like before.
 */
export function tableShape(database: DatabaseSync, table: string): Shape {
  const columns = database.prepare('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)').all(table);
  return {
    of: 'table',
    columns: columns.map(({ name, type, notnull, dflt_value, pk }): Column => {
      // A column that is the rowid isn't in the record: it has NULL there.
      if (pk === 1) return { name: String(name), fits: (found) => found === 0, mayLack: false };
      const isType = types[type as keyof typeof types]; // the types of our STRICT tables
      const isNullable = notnull === 0;
      return {
        name: String(name),
        fits: (found) => isType(found) || (isNullable && found === 0),
        mayLack: isNullable || dflt_value !== null,
      };
    }),
  };
}

/** The entries of an index, or the rows of a table without rowids. */
export function indexShape(...columns: (keyof typeof types)[]): Shape {
  return { of: 'index', columns: columns.map((type) => ({ name: type, fits: types[type], mayLack: false })) };
}

export function fits({ columns }: Shape, types: readonly number[]): boolean {
  if (types.length > columns.length) return false;
  return columns.every((column, index) => {
    const type = types[index];
    return type === undefined ? column.mayLack : column.fits(type);
  });
}
