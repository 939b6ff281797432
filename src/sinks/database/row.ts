import { fromGregorianSeconds } from '../../kazoo/time.ts';
import type { Delivery, ShapedEnvelope } from '../../notification/envelope.ts';
import type { Problem } from '../../notification/notification.ts';
import type { Column, Table } from './table.ts';

/** One notification as a table wants it. */
export interface Row {
  readonly id: string;
  /** A value for each column, in the table's order. */
  readonly values: readonly ColumnValue[];
  /** About how many characters it has. */
  readonly size: number;
}

/** Numbers and times are texts: what a column can't hold is for the database to refuse, in its own words. */
export type ColumnValue = string | boolean | null;

/** The row of a delivery. A time is RFC 3339 in UTC, JSON is text without a NUL character. */
export function rowOf({ header, envelope }: Delivery, { columns }: Table): Row {
  let values = columns.map((column) => columnValue(column, envelope));
  if (values.some((value, index) => columns[index]?.type === 'json' && isUnstorable(value))) {
    const flagged = { ...envelope, problems: [...(envelope.problems ?? []), replacedCharacters] };
    values = columns.map((column) => storable(column, columnValue(column, flagged)));
  }
  let size = 0;
  for (const value of values) size += typeof value === 'string' ? value.length : 8;
  return { id: header.id, values, size };
}

function columnValue({ path, type }: Column, envelope: ShapedEnvelope): ColumnValue {
  const value = at(envelope, path);
  if (value === undefined || (value === null && type !== 'json')) return null;
  switch (type) {
    case 'json':
      return value === null ? null : JSON.stringify(value);
    case 'boolean':
      return value === true || value === 'true'
        ? true
        : value === false || value === 'false'
          ? false
          : columnText(value);
    case 'timestamp':
      return rfc3339Of(value) ?? columnText(value);
    default:
      return columnText(value);
  }
}

/** The value at a path; undefined if there is none. */
function at(envelope: ShapedEnvelope, path: readonly string[]): unknown {
  let value: unknown = envelope;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    // Where KAZOO wrote an empty object as a list, there is no member of that name.
    if (step === 'length' && Array.isArray(value)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

function columnText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** RFC 3339 in UTC of such a text, or of KAZOO's gregorian seconds; null for anything else. */
function rfc3339Of(value: unknown): string | null {
  // The envelope's own times, which every row has.
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return value;
  const milliseconds =
    typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : fromGregorianSeconds(value);
  return milliseconds === null || Number.isNaN(milliseconds) ? null : new Date(milliseconds).toISOString();
}

const replacedCharacters: Problem = {
  path: '',
  keyword: 'nul',
  message: 'holds NUL characters or halves of surrogate pairs, which JSON in a database can’t: stored as U+FFFD',
};

/** True of JSON text with an escape that PostgreSQL's jsonb refuses. JSON.stringify writes few others. */
function isUnstorable(value: ColumnValue): boolean {
  return typeof value === 'string' && value.includes('\\u') && value.search(unstorable) !== -1;
}

function storable({ type }: Column, value: ColumnValue): ColumnValue {
  return type === 'json' && typeof value === 'string' ? value.replaceAll(unstorable, '$1\uFFFD') : value;
}

/** Behind an even number of backslashes: `\\u0000` is a backslash and five letters. */
const unstorable = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;
