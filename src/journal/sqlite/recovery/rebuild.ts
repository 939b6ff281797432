import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { reasonOf } from '../../../common/errors.ts';
import { fileReasonOf } from '../../../common/fs/fs-errors.ts';
import { messages } from '../../../common/messages.ts';
import { JournalError } from '../../journal.ts';
import { indexBlocks } from '../block-index.ts';
import {
  databaseFile,
  headless,
  isHeaderOverwritten,
  isHeadless,
  openFile,
  overwrittenHeader,
  prepareFolder,
  versionOf,
} from '../database.ts';
import { isDamage } from '../failure.ts';
import { finishRebuild, suffixes, sync } from '../files.ts';
import { listInvalid } from '../invalid.ts';
import { acquireLock } from '../lock.ts';
import { isHeadInSql } from '../rows.ts';
import { salvage } from './salvage.ts';

/**
 * Replaces a damaged journal by a new one of what can be read, and keeps the old one beside it. The old one stays
 * untouched in its place until the new one is complete and on disk.
 * @param routes names of the configuration's routes
 * @throws JournalError if another daemon has the journal, it isn't one, or there is no room for the new one
 */
export function rebuildJournal(folder: string, routes: readonly string[], log: Logger): void {
  prepareFolder(folder);
  const lock = acquireLock(folder);
  const file = databaseFile(folder);
  try {
    finishRebuild(file, log);
    const reason = damageOf(file);
    if (reason === null) log.info({ journal: file }, messages.nothingToRebuild);
    else rebuild(file, reason, routes, log);
  } catch (cause) {
    throw cause instanceof JournalError
      ? cause
      : new JournalError(
          `the journal ${file} can't be rebuilt, and is left as it was: ${fileReasonOf(cause)}; remove the cause and try again`,
          { cause },
        );
  } finally {
    lock.release();
  }
}

/** What is wrong with a journal, or null. It reads all of it. */
function damageOf(file: string): string | null {
  if (isHeadless(file)) return headless;
  if (!existsSync(file)) return null;
  try {
    using database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
    if (isHeaderOverwritten(database)) return overwrittenHeader;
    if (versionOf(database, file) === 0) return null;
    const verdict = String(database.prepare('PRAGMA integrity_check(1)').get()?.integrity_check);
    if (verdict !== 'ok') return verdict;
    const { broken } = database.prepare(brokenRows).get() ?? {};
    return Number(broken) === 0 ? null : `${broken} rows were overwritten`;
  } catch (error) {
    if (isDamage(error)) return reasonOf(error);
    throw error;
  }
}

/** What SQLite can't see: bytes overwritten in the middle of a value. */
const brokenRows = `
  SELECT (SELECT count(*) FROM notifications WHERE NOT json_valid(data) OR NOT (${isHeadInSql}))
    + (SELECT count(*) FROM deliveries WHERE NOT json_valid(attempts)) AS broken`;

function rebuild(file: string, reason: string, routes: readonly string[], log: Logger): void {
  log.warn({ journal: file, reason }, messages.rebuilding);
  const unfinished = `${file}.unfinished`;
  try {
    removeAll(unfinished);
    using target = openFile(unfinished);
    // Until it is complete it is worth nothing: it goes to disk at the end, all at once.
    target.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -65536');
    const { notifications, deliveries, relisted, restarted } = salvage(file, target, routes);
    target.exec(`${indexBlocks}; ${listInvalid}`);
    target.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    log.warn({ notifications, deliveries: { ...deliveries, relisted } }, messages.recovered);
    if (restarted.length > 0) log.warn({ routes: restarted }, messages.positionsLost);
  } catch (error) {
    removeAll(unfinished);
    throw error;
  }
  sync(unfinished);
  renameSync(unfinished, `${file}.rebuilt-${new Date().toISOString().replaceAll(':', '')}`);
  sync(dirname(file));
  finishRebuild(file, log);
}

function removeAll(file: string): void {
  for (const suffix of suffixes) rmSync(file + suffix, { force: true });
}
