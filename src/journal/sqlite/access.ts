import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { codeOf } from '../../common/errors.ts';
import { asDaemon, hasSudo, isForbidden, ownershipOf } from '../../common/fs/fs-errors.ts';
import { isSqliteError } from '../../common/sqlite.ts';
import { JournalError } from '../journal.ts';

/** Who works with a journal: the daemon that has it, or a command beside that. */
export type Party = 'daemon' | 'command';

/** What an operator can do, if this user may not write to the journal; otherwise empty. */
export function hintFor(cause: unknown, path: string, party: Party): string {
  if (!isRefusal(cause)) return '';
  // If nobody may write, the owner doesn't matter.
  const owner = isReadOnly(path) ? undefined : otherOwnerOf(path);
  if (party === 'command' && owner !== undefined) {
    return `; this command has to write there too, which ${userName()} may not: ${asUser(owner, path)}`;
  }
  const needed = "; the journal's folder and its files must be writable for";
  if (party === 'command') return `${needed} ${userName()}`;
  const whose = owner === undefined || isForbidden(cause) ? '' : `: ${ownershipOf(path)}`;
  return `${needed} the user that the daemon runs as${whose}`;
}

/** What an operator can do where this user may not read the journal. */
export function adviceFor(path: string): string {
  const owner = otherOwnerOf(path);
  return owner === undefined ? `${asDaemon} (${ownershipOf(path)})` : asUser(owner, path);
}

/**
 * Who may write in the folder can put another journal in the place of ours, or answer on the daemon's socket. A group may
 * where it is root's, which the volume of the container image has so that it works with any user, or one that this daemon
 * was put into, as Kubernetes does it with `fsGroup`.
 * @throws JournalError
 */
export function refuseSharedFolder(folder: string): void {
  const { mode, gid } = statSync(folder);
  const isOurGroup = gid === 0 || gid === process.getegid?.() || process.getgroups?.().includes(gid) === true;
  const sharing =
    (mode & 0o002) === 0 ? ((mode & 0o020) === 0 || isOurGroup ? '' : 'g-w') : isOurGroup ? 'o-w' : 'go-w';
  if (sharing === '') return;
  throw new JournalError(
    `others may write in the journal's folder ${folder}, and could put another journal there (${ownershipOf(folder)}): ` +
      `chmod ${sharing} ${folder}, or give the daemon a journal.path of its own`,
  );
}

/** `the user kazoo`. */
export function userName(): string {
  try {
    return `the user ${userInfo().username}`;
  } catch {
    return 'this user'; // who has no name
  }
}

/** What the system and SQLite (SQLITE_READONLY, SQLITE_CANTOPEN) say where the user may not write. */
const refusals = ['EACCES', 'EPERM', 'EROFS'];
const sqliteRefusals = [8, 14];

function isRefusal(cause: unknown): boolean {
  return refusals.includes(codeOf(cause) ?? '') || isSqliteError(cause, sqliteRefusals);
}

/** True on a file system that is read-only, which SQLite doesn't tell from a file that is. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return codeOf(error) === 'EROFS';
  }
}

function asUser(owner: string, path: string): string {
  const way = hasSudo ? `sudo ${owner === 'root' ? '' : `-u ${owner} `}kazoo-relay …` : ownershipOf(path);
  return `run it as the user that it belongs to: ${way}`;
}

/** The user that a file belongs to, or its folder where it can't be seen; undefined where that is who we are, or unknown. */
function otherOwnerOf(path: string): string | undefined {
  const uid = ownerOf(path) ?? ownerOf(dirname(path));
  return uid === undefined || uid === process.getuid?.() ? undefined : nameOf(uid);
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}

/** As sudo takes it: by its number where the user isn't one of this machine's own. */
function nameOf(uid: number): string {
  const [name] = localUsers().find(([, , id]) => id === String(uid)) ?? [];
  return name ?? `'#${uid}'`;
}

function localUsers(): string[][] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}
