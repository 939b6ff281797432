import { constants } from 'node:os';
import { ownershipOf } from './ownership.ts';

/** What an error says, for a message or a log line of ours; anything else that was thrown, as text. */
export function reasonOf(error: unknown): string {
  if (!Error.isError(error)) return String(error);
  const shortage = shortages.get(codeOf(error));
  if (shortage !== undefined) return shortage;
  // Node's error of a name with several addresses has no message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error.message;
}

/** Why a file can't be read or written, for a message that names the file. */
export function fileReasonOf(error: unknown): string {
  const reason = fileReasons.get(codeOf(error)) ?? reasonOf(error);
  return isForbidden(error) ? `${reason} (${ownershipOf(error.path)})` : reason;
}

/** True for a refusal by permissions that names its path; `fileReasonOf` tells whose that is. */
export function isForbidden(error: unknown): error is Error & { readonly path: string } {
  const isRefusal = ['EACCES', 'EPERM'].includes(codeOf(error) ?? '');
  return isRefusal && Error.isError(error) && 'path' in error && typeof error.path === 'string';
}

/** Why a folder can't be read, for a message that names the folder. */
export function folderReasonOf(error: unknown): string {
  return folderReasons.get(codeOf(error)) ?? fileReasonOf(error);
}

/** The name of what the system refused, such as `ENOENT`, or another code of Node's; undefined for any other error. */
export function codeOf(error: unknown): string | undefined {
  if (!Error.isError(error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return isNameless.test(error.code) && 'errno' in error ? (nameOf(error.errno) ?? error.code) : error.code;
}

/** What Node says where it knows the number alone, as of a quota that is used up: of a file, and of a connection. */
const isNameless = /^(UNKNOWN|Unknown system error)/;

function nameOf(errno: unknown): string | undefined {
  const [name] = Object.entries(constants.errno).find(([, number]) => number === -Number(errno)) ?? [];
  return name;
}

/** SQLite's result code: its lowest eight bits say what it is, the others more of it. Undefined for any other error. */
export function sqliteCodeOf(error: unknown): number | undefined {
  return Error.isError(error) && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
}

/** True for an error of SQLite that is one of these, whatever more its result code says. */
export function isSqliteError(error: unknown, codes: readonly number[]): boolean {
  const code = sqliteCodeOf(error);
  return code !== undefined && codes.includes(code & 0xff);
}

const fileReasons = new Map<string | undefined, string>([
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'a part of its path is a file'],
  ['EISDIR', 'it is a directory'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'it is not permitted'],
  ['ENXIO', 'it is a pipe that nobody reads, a socket, or a device that is away'],
  ['ELOOP', 'its links lead in a circle'],
  ['ENAMETOOLONG', 'a name in its path is too long'],
  ['EROFS', 'its file system is read-only'],
  ['ENOSPC', 'its disk is full'],
  ['EFBIG', 'it is larger than a file may be'],
  ['EIO', 'its disk fails (an input/output error)'],
  ['EPIPE', 'nobody reads it any more'],
  ['ESTALE', 'the server of its file system knows it no more (a stale handle)'],
]);

/** What the process lacks, whatever it was about to do. */
const shortages = new Map<string | undefined, string>([
  ['EDQUOT', "this user's quota on the disk is used up"],
  [
    'EMFILE',
    'this process has too many files and connections open: raise its limit (LimitNOFILE= of the unit, ulimit -n)',
  ],
  ['ENFILE', 'this machine has too many files open'],
]);

const folderReasons = new Map<string | undefined, string>([
  ['ENOENT', 'there is no such folder'],
  ['ENOTDIR', 'it is a file, or a part of its path is'],
]);
