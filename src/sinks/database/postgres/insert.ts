import type { ColumnValue, Row } from '../row.ts';
import { identifierList, qualified } from '../schema.ts';
import type { Column, ColumnType, Table } from '../table.ts';
import { grammar } from './grammar.ts';

/** The statement that inserts rows, and its parameters. */
export interface Insert {
  readonly text: string;
  parametersOf(rows: readonly Row[]): (string | Buffer)[];
}

/**
 * Every column is one parameter. A column of JSON is a JSON array, whose elements the server takes out a fifth faster
 * than it reads an array of jsonb, where each quote is escaped once more. Every other column is an array of texts that
 * the server reads as the column's own type: without its length, for a cast would cut a text that is too long, where a
 * mere insert refuses it.
 */
export function createInsert(table: Table, typesByName: ReadonlyMap<string, string>): Insert {
  const { columns } = table;
  const isJsonb = ({ name, type }: Column) => type === 'json' && typesByName.get(name) === 'jsonb';
  const parameter = ({ name }: Column, index: number) => `$${index + 1}::${typesByName.get(name) ?? 'text'}`;
  const placed = columns.map((column, index) => ({ column, alias: `c${index + 1}`, given: parameter(column, index) }));
  const inArrays = placed.filter(({ column }) => !isJsonb(column));
  const inJson = placed.filter(({ column }) => isJsonb(column));
  const sources = [
    ...(inArrays.length === 0 ? [] : [`unnest(${inArrays.map(({ given }) => `${given}[]`).join(', ')})`]),
    ...inJson.map(({ given }) => `jsonb_array_elements(${given})`),
  ];
  const aliases = [...inArrays, ...inJson].map(({ alias }) => alias);
  const selected = placed.map(({ column, alias }) => (isJsonb(column) ? `nullif(${alias}, 'null')` : alias));
  const names = columns.map(({ name }) => name);
  return {
    text:
      `INSERT INTO ${qualified(table, grammar)} (${identifierList(names, grammar)}) SELECT ${selected.join(', ')} ` +
      `FROM ROWS FROM (${sources.join(', ')}) AS rows (${aliases.join(', ')}) ` +
      `ON CONFLICT (${identifierList(table.key, grammar)}) DO NOTHING`,
    parametersOf: (rows) =>
      columns.map((column, index) => {
        const values = rows.map((row) => row.values[index] ?? null);
        return isJsonb(column) ? jsonbArray(values) : arrayLiteral(values, column.type);
      }),
  };
}

/**
 * JSON texts as one array, as the server takes a jsonb in binary form: a version, and the text. In bytes from the
 * start: a joined text of this size would be copied twice, each time into memory that is fresh from the system.
 */
function jsonbArray(values: readonly ColumnValue[]): Buffer {
  const elements = values.map((value) => (value === null ? 'null' : String(value)));
  // Each has a bracket or a comma before it.
  const size = elements.reduce((sum, element) => sum + 1 + Buffer.byteLength(element), 0);
  const bytes = Buffer.allocUnsafe(1 + size + 1);
  let at = bytes.writeUInt8(jsonbVersion, 0);
  for (const [index, element] of elements.entries()) {
    at = bytes.writeUInt8(index === 0 ? openBracket : comma, at);
    at += bytes.write(element, at);
  }
  bytes.writeUInt8(closeBracket, at);
  return bytes;
}

const jsonbVersion = 1;
const openBracket = 0x5b;
const comma = 0x2c;
const closeBracket = 0x5d;

/** A column's values as PostgreSQL writes an array. pg would do it too, but in three times the time. */
function arrayLiteral(values: readonly ColumnValue[], type: ColumnType): string {
  const quoted = type === 'json' ? JSON.stringify : quote;
  const elements = values.map((value) => {
    if (value === null) return 'NULL';
    return typeof value === 'string' ? quoted(value) : String(value);
  });
  return `{${elements.join(',')}}`;
}

/**
 * A backslash takes the next character as it is. So does JSON.stringify, faster, in all text but control characters and
 * halves of surrogate pairs, which JSON text has none of.
 */
function quote(text: string): string {
  return special.test(text) ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : `"${text}"`;
}

const special = /["\\]/;
