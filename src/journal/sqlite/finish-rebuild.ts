import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Logger } from 'pino';

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
  log.warn({ journal: file, damaged }, 'the rebuilt journal is in its place; the damaged one is kept');
}

/** SQLite's own files beside a database. */
export const suffixes = ['', '-wal', '-shm'] as const;

/** Makes a file's content, or the names in a folder, survive a loss of power. */
export function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
