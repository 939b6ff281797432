import { isUtf8 } from 'node:buffer';
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

/** Reads the values; null where one of them can't be what its type says, or is nothing that we write. */
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

export function isInteger(type: number): boolean {
  return (type >= 1 && type <= 6) || type === 8 || type === 9;
}

export function isText(type: number): boolean {
  return type >= 13 && type % 2 === 1;
}

export function isBlob(type: number): boolean {
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
