import { isUtf8 } from 'node:buffer';
import type { DatabaseSync } from 'node:sqlite';
import { varintAt } from './btree.ts';

export type Value = null | number | string | Buffer;

/**
 * What a record says of its values: a type for each, in a header of varints that begins with its own length. 0 is NULL,
 * 1 to 6 are integers of 1, 2, 3, 4, 6 and 8 bytes, 7 is a float, 8 and 9 are the integers 0 and 1; from 12 on, even
 * ones are blobs and odd ones texts, of half the rest in bytes.
 */
export interface RecordHeader {
  readonly types: readonly number[];
  /** Where the values begin. */
  readonly length: number;
}

/**
 * Reads the header of a record; null where it can't be one.
 * @param size bytes of the whole record, with which a true header agrees
 */
export function recordHeader(bytes: Buffer, size: number): RecordHeader | null {
  const length = varintAt(bytes, 0);
  if (length === null || length.value > bytes.length) return null;
  const types: number[] = [];
  let total = length.value;
  let at = length.bytes;
  while (at < length.value) {
    const type = varintAt(bytes, at);
    if (type === null) return null;
    types.push(type.value);
    total += bytesOf(type.value);
    at += type.bytes;
  }
  return at === length.value && total === size ? { types, length: length.value } : null;
}

/** Reads the values; null if one doesn't fit its type, or can't be from the journal. */
export function recordValues(record: Buffer, { types, length }: RecordHeader): Value[] | null {
  const values: Value[] = [];
  let at = length;
  for (const type of types) {
    const end = at + bytesOf(type);
    const value = valueIn(record.subarray(at, end), type);
    if (value === undefined) return null;
    values.push(value);
    at = end;
  }
  return values;
}

function isInteger(type: number): boolean {
  return (type >= 1 && type <= 6) || type === 8 || type === 9;
}

function isText(type: number): boolean {
  return type >= 13 && type % 2 === 1;
}

function isBlob(type: number): boolean {
  return type >= 12 && type % 2 === 0;
}

const integerBytes = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

function bytesOf(type: number): number {
  // 10 and 11 are never written to a file: no record agrees with them.
  return type < 12 ? (integerBytes[type] ?? Number.NaN) : Math.floor((type - 12) / 2);
}

function valueIn(bytes: Buffer, type: number): Value | undefined {
  if (type === 0) return null;
  if (type === 8 || type === 9) return type - 8;
  if (isText(type)) return isUtf8(bytes) ? bytes.toString() : undefined;
  if (isBlob(type)) return Buffer.from(bytes);
  if (!isInteger(type)) return undefined;
  const number = bytes.length === 8 ? Number(bytes.readBigInt64BE()) : bytes.readIntBE(0, bytes.length);
  return Number.isSafeInteger(number) ? number : undefined;
}

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
