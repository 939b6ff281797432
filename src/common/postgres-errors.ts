import { withoutValues as hide } from './refusal.ts';

/** The error of a statement with values, without what it says of them; one of the network as it is. */
export function withoutValues(error: unknown): unknown {
  if (!isRefusal(error)) return error;
  const { code, column, constraint, table } = error;
  return hide(error, { code, meaning: meanings[code], column, constraint, table });
}

/** What the server says of a statement, as node-pg throws it: nothing else has a severity. */
interface PostgresError extends Error {
  readonly severity: string;
  /** SQLSTATE. */
  readonly code: string;
  readonly column?: string;
  readonly constraint?: string;
  readonly table?: string;
}

/** By its shape: not everybody who asks has loaded the library. */
export function isRefusal(error: unknown): error is PostgresError {
  return Error.isError(error) && 'severity' in error && 'code' in error && typeof error.code === 'string';
}

const meanings: Readonly<Record<string, string>> = {
  '22001': 'a text is too long for its column',
  '22003': 'a number is out of range for its column',
  '22007': 'a text is no time',
  '22008': 'a time is out of range',
  '22021': 'a text has a character that the database can’t hold',
  '22P02': 'a text can’t be read as the type of its column',
  '22P05': 'a text has a character that the database can’t hold',
  '23502': 'a column that is NOT NULL has no value',
  '23503': 'a foreign key leads nowhere',
  '23505': 'a unique constraint has that value already',
  '23514': 'a CHECK constraint is violated, or no partition is for the row',
  '23P01': 'an exclusion constraint is violated',
  '28000': 'the server lets this user not in',
  '28P01': 'the password is wrong',
  '25006': 'the server is read-only',
  '3D000': 'there is no such database',
  '3F000': 'there is no such schema',
  '40001': 'transactions are in each other’s way',
  '40P01': 'deadlock',
  '42501': 'a right is missing, or a policy refuses the row',
  '42703': 'a column is missing',
  '42883': 'a function is missing',
  '42P01': 'a table is missing',
  '42P10': 'no unique index fits',
  '53100': 'the disk is full',
  '53200': 'out of memory',
  '53300': 'too many connections',
  '54000': 'a limit of the server is exceeded',
  '55P03': 'canceling statement due to lock timeout',
  '57014': 'canceling statement due to statement timeout',
  '57P01': 'terminating connection due to administrator command',
  '57P02': 'the server has crashed',
  '57P03': 'the server is starting up or shutting down',
  P0001: 'raised by a trigger or a function',
};
