import { closeSync, existsSync, fsyncSync, openSync, readdirSync, readlinkSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { messages } from '../../common/messages.ts';
import { type Identity, identityOf, isSame, type Lock } from './lock.ts';

/** For so long a folder must have been left alone before its time tells that nothing has changed in it, in milliseconds. */
const settledAfter = 3_000;

/**
 * The files of an open journal, which stay open whatever becomes of their names: what is written to a file that was
 * removed, moved or replaced is gone after the next start.
 */
export class JournalFiles {
  readonly #file: string;
  readonly #lock: Lock;
  readonly #log: Logger;
  readonly #known: ReadonlyMap<string, Identity | null>;
  #lost: string | null = null;
  /** The time of its last change that the folder had when all was in place; NaN where that was only just. */
  #settledSince = Number.NaN;

  /** @param file of a journal that was read from already, so that SQLite has made the others */
  constructor(file: string, lock: Lock, log: Logger) {
    this.#file = file;
    this.#lock = lock;
    this.#log = log;
    this.#known = new Map(suffixes.map((suffix) => [file + suffix, identityOf(file + suffix)]));
  }

  /** The last finding: why nothing may be written, and what to do; null while all files are in place. */
  get lost(): string | null {
    return this.#lost;
  }

  /**
   * Looks whether all is in place, and tells when that changes. It takes 3 µs mostly: names in a folder don't change
   * without its time.
   */
  look(): string | null {
    const folder = statSync(dirname(this.#file), { throwIfNoEntry: false });
    if (this.#lost === null && folder?.mtimeMs === this.#settledSince) return null;
    const found = this.#find();
    this.#settledSince = Date.now() - Number(folder?.mtimeMs) > settledAfter ? Number(folder?.mtimeMs) : Number.NaN;
    if (found === null && this.#lost !== null) this.#log.info(messages.journalBack);
    if (found !== null && this.#lost === null) this.#log.error({ reason: found }, messages.journalGone);
    this.#lost = found;
    return found;
  }

  #find(): string | null {
    for (const [path, known] of this.#known) {
      // While it is missing, the first finding remains true.
      if (!isSame(identityOf(path), known)) return this.#lost ?? this.#story(path);
    }
    try {
      this.#lock.renew(this.#log);
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  }

  #story(path: string): string {
    const what = `${path} was removed, moved or replaced while the daemon runs`;
    const known = [...this.#known].map(([name, identity]) => ({ name, identity, ...openFile(identity) }));
    const moved = known.filter(({ identity, target }) => isSame(identityOf(target), identity));
    const moves = moved.filter(({ name, target }) => name !== target).map(({ name, target }) => `mv ${target} ${name}`);
    if (moves.length > 0) return `${what}: move it back, then intake continues: ${moves.join(' && ')}`;
    if (path !== this.#file) {
      return `${what}: stop the daemon (SIGTERM), which saves everything in the journal, and start it again`;
    }
    const copies = known
      .filter(({ name, identity }) => !name.endsWith('-shm') && !isSame(identityOf(name), identity))
      .map(({ name, link }) => `cp ${link} ${name}`);
    const folder = dirname(path);
    const commands = [...(existsSync(folder) ? [] : [`mkdir -m 700 ${folder}`]), ...copies];
    return `${what}: before you stop the daemon, copy the files that it has open: ${commands.join(' && ')}; then restart it`;
  }
}

/** The link by which a file that this process has open can be read, and where that leads. */
function openFile(identity: Identity | null): { link: string; target: string } {
  const folder = `/proc/${process.pid}/fd`;
  const links = existsSync(folder) ? readdirSync(folder).map((number) => join(folder, number)) : [];
  const link = links.find((candidate) => isSame(identityOf(candidate), identity));
  return link === undefined ? { link: join(folder, 'NUMBER'), target: '' } : { link, target: readlinkSync(link) };
}

/**
 * Puts a new journal that is complete in the place of the damaged one. A rebuild that was interrupted there is finished
 * by the next start of the daemon, with `--rebuild` or without.
 */
export function finishRebuild(file: string, log: Logger): void {
  const prefix = `${basename(file)}.rebuilt-`;
  const rebuilt = readdirSync(dirname(file)).find((name) => name.startsWith(prefix));
  if (rebuilt === undefined) return;
  const damaged = `${file}.damaged-${rebuilt.slice(prefix.length)}`;
  for (const suffix of suffixes) if (existsSync(file + suffix)) renameSync(file + suffix, damaged + suffix);
  renameSync(join(dirname(file), rebuilt), file);
  sync(dirname(file));
  log.warn({ journal: file, damaged }, messages.rebuilt);
}

/** SQLite's own files beside a database. */
export const suffixes = ['', '-wal', '-shm'] as const;

/** Makes a file's content, or the names in a folder, survive a loss of power. */
export function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
