import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { codeOf } from '../../common/errors.ts';
import type { JournalPlace } from '../../config/config.ts';
import { ownFolder } from '../../config/journal-place.ts';
import { digestOf, type FileDigest } from '../../config/read/source.ts';
import type { OperatorAct, OperatorStore } from '../../journal/operator-store.ts';
import type { JournalReader } from '../../journal/reader.ts';
import { askDaemon } from '../../ops/control.ts';
import type { HttpStatus, Status } from '../../ops/status.ts';
import type { ReloadReport } from '../../relay/reload.ts';
import type { Terminal } from './terminal.ts';

/** The answer of a daemon that can't do what was asked. */
interface Refusal {
  readonly error: string;
}

/** The state of the daemon of that journal; null if none runs. */
export async function daemonStatus(folder: string): Promise<Status | Refusal | null> {
  // What answers on the daemon's socket is a daemon of this very version, or nearly; that goes for all questions below.
  return (await askDaemon(folder, 'status')) as Status | Refusal | null;
}

/** The same, or null if the daemon can't answer: its state only adds to that of the journal. */
export async function statusIfRunning(folder: string): Promise<Status | null> {
  const status = await daemonStatus(folder).catch(() => null);
  return status === null || 'error' in status ? null : status;
}

/** Makes the daemon load its configuration again; null where none runs. */
export async function reloadDaemon(folder: string): Promise<ReloadReport | Refusal | null> {
  return (await askDaemon(folder, 'reload')) as ReloadReport | Refusal | null;
}

/**
 * Says if the daemon of that journal runs with another configuration than that file, or with an earlier state of it or
 * of its includes; undefined if it doesn't, if none runs, or if that is unknown.
 * @param filesNow of the file's configuration
 */
export async function configDifference(
  folder: string,
  file: string,
  filesNow: () => readonly string[],
): Promise<string | undefined> {
  const read = (await askDaemon(folder, 'config').catch(() => null)) as readonly FileDigest[] | Refusal | null;
  // A daemon of the version before doesn't know the question.
  if (read === null || 'error' in read) return undefined;
  const [main] = read;
  if (main === undefined) return undefined;
  if (main.file !== resolve(file))
    return `the daemon of this journal runs with ${main.file}, not with ${resolve(file)}`;
  const known = new Set(read.map((one) => one.file));
  const changes = [
    ...partOf('with an earlier state of', read.filter(hasChanged)),
    ...partOf(
      'without',
      filesNow()
        .filter((one) => !known.has(one))
        .map((one) => ({ file: one })),
    ),
  ];
  if (changes.length === 0) return undefined;
  return `the daemon runs ${changes.join(', and ')}: kazoo-relay reload makes it read that`;
}

function partOf(how: string, files: readonly { readonly file: string }[]): string[] {
  return files.length === 0 ? [] : [`${how} ${files.map(({ file }) => file).join(', ')}`];
}

/** Where it can't be read, it may be this user that can't; but one that is gone has changed. */
function hasChanged({ file, digest }: FileDigest): boolean {
  try {
    return digestOf(file).digest !== digest;
  } catch {
    return isGone(file);
  }
}

function isGone(file: string): boolean {
  try {
    statSync(file);
    return false;
  } catch (error) {
    return codeOf(error) === 'ENOENT';
  }
}

/**
 * Makes a running daemon notice a change at once.
 * @throws Error if it can't; then it notices within a second
 */
export async function lookNow(folder: string): Promise<void> {
  const answer = (await askDaemon(folder, 'look')) as Refusal | null;
  if (answer !== null)
    throw new Error(`it is saved, but the daemon may not know it before a second has passed: ${answer.error}`);
}

/** A link to the page of the daemon that logs in once. @throws Error where there is none */
export async function pageLink(folder: string): Promise<string> {
  const answer = (await askDaemon(folder, 'page')) as Refusal | { http: HttpStatus | null; path: string } | null;
  if (answer === null) throw new Error('no daemon runs: start it, and ask again');
  if ('error' in answer) throw new Error(answer.error);
  const { http, path } = answer;
  if (http === null) throw new Error('the HTTP port is off: set http.listen');
  if (!http.open) throw new Error(`the HTTP port ${http.listen} is not open: ${http.reason ?? 'not yet'}`);
  if (http.listen.startsWith('/')) return `${path} (at the proxy in front of ${http.listen})`;
  return `http://${http.listen.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:')}${path}`;
}

/**
 * True where a daemon has that journal: on this machine, or on another where several share it.
 * @throws Error where the one on this machine doesn't answer
 */
export async function isDaemonRunning(journal: JournalPlace, reader: JournalReader): Promise<boolean> {
  if ((await askDaemon(ownFolder(journal), 'live')) !== null) return true;
  return journal.url !== undefined && (await reader.summary()).daemons.some(({ lives }) => lives);
}

/**
 * Returns when the daemon of that journal is what is asked for. It goes by the daemon's own socket, so that it works
 * without an HTTP port too.
 * @throws Error with the reasons when it isn't
 */
export async function checkDaemon(folder: string, what: 'live' | 'ready'): Promise<void> {
  const reasons = (await askDaemon(folder, what)) as readonly string[] | Refusal | null;
  if (reasons === null) throw new Error(`no daemon answers in ${folder}`);
  if ('error' in reasons) throw new Error(`the daemon can't tell: ${reasons.error}`);
  if (reasons.length > 0) throw new Error(reasons.join('; '));
}

/**
 * Makes a running daemon probe an unavailable sink at once, so that deliveries made due don't wait for the next probe;
 * prints the routes concerned. Daemons elsewhere that share the journal do so too.
 * @param store of that journal
 * @param act that it belongs to
 * @param route the only one concerned
 * @throws Error if the daemon doesn't answer
 */
export async function probeNow(
  terminal: Terminal,
  journal: JournalPlace,
  store: OperatorStore,
  act: OperatorAct,
  route: string | undefined,
): Promise<void> {
  await store.askForProbe?.(route ?? null);
  const routes = (await askDaemon(ownFolder(journal), 'try', route)) as readonly string[] | Refusal | null;
  if (routes === null) return;
  if ('error' in routes) throw new Error(`the daemon can't probe the sinks that are away: ${routes.error}`);
  for (const name of routes) await terminal.say(`the sink of ${name} is away: it is tried now`);
  if (routes.length > 0) await act.probed(routes.length);
}
