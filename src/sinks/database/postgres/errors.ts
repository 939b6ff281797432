import pg from 'pg';
import {
  type ClassifiedError,
  type ErrorKind,
  fillColumn,
  withoutValues as hide,
  isCut,
  plainReason,
} from '../errors.ts';
import type { Column } from '../table.ts';

/** Says of an error whether it is a row's fault, from its SQLSTATE. @param columns that each row gives a value for */
export function classifyError(error: unknown, columns: readonly Pick<Column, 'name'>[]): ClassifiedError {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) {
    const plain = plainReason(error);
    const hint = noServer.test(plain.reason) ? ' (is a PostgreSQL server on this port?)' : '';
    return { kind: isCut(error) ? 'connection' : 'database', ...plain, reason: `${plain.reason}${hint}` };
  }
  const { code, message: reason } = error;
  // Of a column that isn't ours: the row of a trigger, or each of ours.
  if (code === notNull && error.column !== undefined && columns.every(({ name }) => name !== error.column))
    return { kind: 'unclear', reason: `${reason} (${fillColumn})`, code };
  return { kind: errorKind(code, error.routine), reason, code };
}

/**
 * The error of a statement without values of the row, which its message may quote; an error of the network unchanged.
 */
export function withoutValues(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return error;
  const { code, column, constraint, table } = error;
  return hide(error, { code, meaning: meanings[code], column, constraint, table });
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
  '40001': 'transactions are in each other’s way',
  '40P01': 'deadlock',
  '42501': 'a right is missing, or a policy refuses the row',
  '42703': 'a column is missing',
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

const notNull = '23502';

/** What the library says of any answer but yes and no to whether there is TLS: HTTP's, say. */
const noServer = /^There was an error establishing an SSL connection$/;

function errorKind(code: string, routine: string | undefined): ErrorKind {
  if (code === '40001' || code === '40P01') return 'conflict';
  // A policy of row-level security, or the check of a view, that refuses this very row.
  if (code === '42501' && routine === 'ExecWithCheckOptions') return 'row';
  if (aboutDatabase.some((start) => code.startsWith(start))) return 'database';
  return unclear.has(code.slice(0, 2)) ? 'unclear' : 'row';
}

/**
 * Codes, and classes of them, that say nothing about the rows. What is neither here nor unclear is a row's fault: data
 * exceptions (22), constraints (23), limits of a row (54), and whatever a trigger raises, which may have any code.
 */
const aboutDatabase = [
  '08', // connection exception
  '25', // invalid transaction state: a server that became read-only
  '28', // invalid authorization
  '3D', // no such database
  '53300', // too many connections
  '57P', // shutdown, crash, a connection ended by an administrator
];

/**
 * Classes of which a server that is in trouble speaks, but also a trigger that is at one row, or an index with a
 * damaged page.
 */
const unclear = new Set([
  '0A', // feature not supported
  '0B', // invalid transaction initiation
  '0L', // invalid grantor
  '0P', // invalid role
  '26', // invalid statement name
  '2D', // invalid transaction termination
  '34', // invalid cursor name
  '3B', // savepoint exception
  '3F', // no such schema
  '40', // transaction rollback
  '42', // syntax error or missing right, table or column
  '53', // insufficient resources: memory, disk full
  '55', // object not in prerequisite state: a lock held by somebody
  '57', // operator intervention: statement timeout
  '58', // system error
  'F0', // configuration file error
  'HV', // foreign data wrapper error
  'XX', // internal error
]);
