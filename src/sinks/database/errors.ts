import { codeOf, reasonOf } from '../../common/errors.ts';

/** The meaning of a database's error for the rows of the statement. */
export interface ClassifiedError {
  /**
   * `row`: at least one row can't be stored as it is; `conflict`: two transactions were in each other's way, and
   * another attempt may succeed; `unclear`: the answer may be about one row or about all; `connection`: the database
   * closed the connection instead of answering, as it does for a row that is too large, and when it stops; `database`:
   * the error is not about the rows.
   */
  readonly kind: ErrorKind;
  /** The database's message, without the values that it quotes. */
  readonly reason: string;
  readonly code?: number | string;
}

export type ErrorKind = 'row' | 'conflict' | 'unclear' | 'connection' | 'database';

/** What an operator can do about a column that must have a value, and which nothing fills. */
export const fillColumn = 'give it a DEFAULT, let it be NULL, or name it in columns';

/** True for an error of a connection that stood, and was cut: not for one that never came about. */
export function isCut(error: unknown): boolean {
  return cuts.has(codeOf(error) ?? reasonOf(error));
}

/** Codes and messages of the system, mysql2 and pg. */
const cuts = new Set(['ECONNRESET', 'EPIPE', 'PROTOCOL_CONNECTION_LOST', 'Connection terminated unexpectedly']);

/** What an error says that comes from no database: of the network, or of a signal. */
export function plainReason(error: unknown): Pick<ClassifiedError, 'reason' | 'code'> {
  const code = codeOf(error);
  // Where a name has several addresses, Node's error for all of them has a code and no message.
  const reason = reasonOf(error) || (code ?? 'no connection');
  return code === undefined ? { reason } : { reason, code };
}

/** What a database refuses, in our words: its own message, in whatever language, may quote values. */
export interface Refusal {
  readonly code: number | string;
  /** The meaning of that code, if known, or the database's name for it. */
  readonly meaning: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
}

/** Puts it in the place of all that an error of a statement with values says, and of what libraries hang on it. */
export function withoutValues(error: Error, refusal: Refusal): Error {
  const { code, meaning = 'refused', ...names } = refusal;
  const named = Object.entries(names).flatMap(([what, name]) => (name ? [`, ${what} "${name}"`] : []));
  error.message = `${meaning} (${code}${named.join('')})`;
  error.stack = `${error.name}: ${error.message}`;
  for (const key of quoting) Reflect.deleteProperty(error, key);
  return error;
}

/** Of pg and of mysql2. */
const quoting = ['detail', 'hint', 'where', 'internalQuery', 'sql', 'sqlMessage'];

/** Those of a table's columns that a message names in quotation marks, or behind a dot: nothing else of it is repeated. */
export function columnIn(message: string, columns: Iterable<string>): string | undefined {
  const names = new Set([...message.matchAll(/[`'"»„.]([A-Za-z_]\w*)/g)].map(([, name]) => name));
  const found = [...columns].filter((column) => names.has(column));
  return found.length === 0 ? undefined : found.join('", "');
}
