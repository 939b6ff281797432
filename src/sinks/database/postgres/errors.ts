import pg from 'pg';
import { type ClassifiedError, type ErrorKind, fillColumn, isCut, plainReason } from '../errors.ts';
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
