import { codeOf } from '../../../common/errors.ts';
import {
  type ClassifiedError,
  columnIn,
  type ErrorKind,
  fillColumn,
  withoutValues as hide,
  isCut,
  plainReason,
} from '../errors.ts';

/** Says of an error whether it is a row's fault, from its number and its SQLSTATE. */
export function classifyError(error: unknown): ClassifiedError {
  const { errno, sqlState } = partsOf(error);
  if (errno === undefined || sqlState === undefined) return plainBlame(error);
  const { reason } = plainReason(error);
  // Of a column that isn't ours: the row of a trigger, or each of ours.
  if (isUnfilled(error)) return { kind: 'unclear', reason: `${reason} (${fillColumn})`, code: errno };
  return { kind: errorKind(errno, sqlState), reason, code: errno };
}

function plainBlame(error: unknown): ClassifiedError {
  const plain = plainReason(error);
  if (!isCut(error)) return { kind: 'database', ...plain };
  return {
    kind: 'connection',
    ...plain,
    reason: `${plain.reason} (so it is for a row larger than its max_allowed_packet)`,
  };
}

/** A column that is NOT NULL, and that nothing fills. */
export function isUnfilled(error: unknown): boolean {
  return partsOf(error).errno === 1364;
}

/** A value of a unique index that is there already. */
export function isDuplicate(error: unknown): boolean {
  return partsOf(error).errno === 1062;
}

/** True where the server leaves the connection as it is: for a packet that is too large it closes it. */
export function isUsableAfter(error: unknown): boolean {
  return classifyError(error).kind === 'row' && partsOf(error).errno !== 1153;
}

/** A right that our user doesn't have: to the database, or to a command. */
export function isForbidden(error: unknown): boolean {
  return [1044, 1142].includes(partsOf(error).errno ?? 0);
}

/**
 * The error of a statement without values of the row, which its message may quote; an error of the network unchanged.
 * @param columns of the table; the server names a column only in its message
 */
export function withoutValues(error: unknown, columns: Iterable<string>): unknown {
  const { errno } = partsOf(error);
  if (!Error.isError(error) || errno === undefined) return error;
  const meaning = meanings[errno] ?? codeOf(error);
  return hide(error, { code: errno, meaning, column: columnIn(error.message, columns) });
}

/** Where the servers' own names for it say less. */
const meanings: Readonly<Record<number, string>> = {
  1048: 'a column that is NOT NULL has no value',
  1062: 'a unique index has that value already',
  1153: 'the row is larger than max_allowed_packet',
  1205: 'somebody held a lock for too long',
  1264: 'a number is out of range for its column',
  1290: 'the server is read-only, or another of its options forbids it',
  1317: 'the statement was ended by an administrator',
  1364: 'a column that is NOT NULL has no value',
  1366: 'a value is not of the type of its column',
  1406: 'a text is too long for its column',
  1644: 'raised by a trigger',
  1836: 'the server is read-only',
  1969: 'the statement has taken too long',
  3024: 'the statement has taken too long',
};

/** An error of the server has a number and an SQLSTATE of five letters; one of the network has at most a code. */
function partsOf(error: unknown): { errno?: number; sqlState?: string } {
  if (!Error.isError(error)) return {};
  const errno = Reflect.get(error, 'errno');
  const sqlState = Reflect.get(error, 'sqlState');
  return typeof errno === 'number' && typeof sqlState === 'string' ? { errno, sqlState } : {};
}

function errorKind(errno: number, sqlState: string): ErrorKind {
  if (errno === 1213 || sqlState === '40001') return 'conflict';
  if (aboutRow.has(errno) || rowClasses.has(sqlState.slice(0, 2))) return 'row';
  return aboutDatabase.has(errno) || sqlState.startsWith('08') || sqlState.startsWith('28') ? 'database' : 'unclear';
}

/**
 * A server that refuses logins, shuts down, or is read-only. What is neither here nor about a row may be a trigger that hangs
 * at one.
 */
const aboutDatabase = new Set([
  1040, // too many connections
  1044, // no right to the database
  1045, // user or password
  1049, // no such database
  1053, // the server shuts down
  1203, // too many connections of this user
  1290, // the server is read-only
  1317, // a query ended by an administrator
  1836, // the server is read-only
  1927, // a connection ended by an administrator (MariaDB)
]);

/**
 * Cut data (01), wrong number of values (21), data exceptions (22), constraints (23, 44), and what a trigger signals
 * (45).
 */
const rowClasses = new Set(['01', '21', '22', '23', '44', '45']);

/** What the servers leave in the general class HY000, or in one of connections, though it is about a row. */
const aboutRow = new Set([
  1153, // a statement larger than max_allowed_packet
  1366, // a value that isn't of the column's type or character set
  1369, // the check of a view
  1411, // a value that a function can't take
  1526, // a partitioned table of the operator's has no partition for it
  1644, // SIGNAL in a trigger, whatever its SQLSTATE
  3140, // JSON that isn't JSON (MySQL)
  3819, // a CHECK constraint (MySQL)
  4025, // a CHECK constraint (MariaDB)
]);
