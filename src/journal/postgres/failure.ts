import { codeOf, reasonOf } from '../../common/errors.ts';
import { isRefusal, withoutValues } from '../../common/postgres-errors.ts';
import { JournalError } from '../journal.ts';

/** The server can't be reached, may not be written to, or answers too late: it may be otherwise soon. */
export class StoreAway extends JournalError {}

/**
 * The error for an operator, of a statement or a connection that failed; without any value.
 * @param address of the server
 */
export function failureOf(error: unknown, address: string): JournalError {
  if (error instanceof JournalError) return error;
  const cause = withoutValues(error);
  const code = sqlStateOf(error);
  if (code === undefined) {
    const reason = reasonOf(cause) || (codeOf(cause) ?? 'no connection');
    return new StoreAway(`the journal's server ${address} can't be reached: ${reason}`, { cause });
  }
  const reason = reasonOf(cause);
  if (awayStates.some((start) => code.startsWith(start)))
    return new StoreAway(`the journal's server ${address} can't be used: ${reason}`, { cause });
  return new JournalError(`the journal at ${address} can't be used: ${reason}${advice[code] ?? ''}`, { cause });
}

/** True where two transactions were in each other's way: the next try may find it otherwise. */
export function isConflict(error: unknown): boolean {
  const code = Error.isError(error) ? sqlStateOf(error.cause) : undefined;
  return code === '40001' || code === '40P01';
}

export function sqlStateOf(error: unknown): string | undefined {
  return isRefusal(error) ? error.code : undefined;
}

/** SQLSTATEs, and classes of them, by which a server says that it can't do anything now. */
const awayStates = [
  '08', // connection exception
  '25006', // read-only
  '25P03', // a transaction that waited for us for too long
  '53', // disk full, out of memory, too many connections
  '55P03', // lock timeout
  '57', // statement timeout, shutdown, crash, a connection ended by an administrator
  '58', // an error of its system, such as of a disk
  'F0', // a lock file
];

const advice: Readonly<Record<string, string>> = {
  '28P01': ': see the password in journal.url',
  '28000': ": see the user in journal.url, and the server's pg_hba.conf",
  '3D000': ': create the database that journal.url names',
  '3F000': ': create the schema that journal.schema names, or let this user do it',
  '42501': ': grant this user what docs/operations lists',
  '42P01': ': its tables are not there; start a daemon with this configuration once',
};
