import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { MemoryBudget } from '../../common/memory-budget.ts';
import { formatBytes } from '../../common/text/format.ts';
import type { Entry } from '../../notification/entry.ts';
import type { Notification } from '../../notification/notification.ts';
import type { Placed, Spool } from '../folder-journals.ts';
import { type Journal, JournalError } from '../journal.ts';
import type { Drift } from '../reader.ts';
import { databaseFile, openDatabaseBeside } from './database.ts';
import { driftOf } from './drift.ts';
import { emptyLog, giveBack } from './erase.ts';
import { openJournal } from './journal.ts';
import { removeEntries, unlimited } from './retention.ts';
import { Space } from './space.ts';
import { inStep, inTransaction } from './steps.ts';
import { WholeReader } from './whole.ts';

/**
 * Opens the folder on this machine where notifications are kept while the database is away. It is a journal by itself, of which
 * nothing is used but that it keeps what is appended.
 * @param size in bytes, that it may have
 * @throws JournalError when another daemon has it, or it can't be used
 */
export function openSpool(folder: string, size: number, log: Logger): Spool {
  let journal: Journal | undefined;
  try {
    // Nothing in it is held in memory, and nobody is told what it says of its own but what is wrong.
    journal = openJournal(folder, log.child({ spool: folder }, { level: 'error' }), unlimited, {
      memory: new MemoryBudget(0),
    });
    const database = openDatabaseBeside(folder);
    refuseJournal(database, folder);
    return new FolderSpool(folder, size, journal, database);
  } catch (cause) {
    void journal?.close();
    throw new JournalError(reasonOf(cause).replaceAll('journal.path', 'journal.spool'), { cause });
  }
}

/** What a daemon has delivered from there already would be delivered again. @throws JournalError */
function refuseJournal(database: DatabaseSync, folder: string): void {
  const hasRoutes = database.prepare('SELECT 1 FROM routes LIMIT 1').get() !== undefined;
  if (!hasRoutes) return;
  database.close();
  throw new JournalError(
    `${folder} has the journal of a daemon that ran without a database: "kazoo-relay journal copy --from ${folder}" brings it into ` +
      'the database; give journal.spool another folder, or move the journal away',
  );
}

class FolderSpool implements Spool {
  readonly #folder: string;
  readonly #size: number;
  readonly #journal: Journal;
  readonly #database: DatabaseSync;
  readonly #reader: WholeReader;
  readonly #space: Space;
  #count: number;

  constructor(folder: string, size: number, journal: Journal, database: DatabaseSync) {
    this.#folder = folder;
    this.#size = size;
    this.#journal = journal;
    this.#database = database;
    this.#reader = new WholeReader(database);
    this.#space = new Space(database, databaseFile(folder));
    this.#count = Number(database.prepare('SELECT count(*) AS count FROM notifications').get()?.count);
  }

  get count(): number {
    return this.#count;
  }

  async append(batch: readonly Notification[]): Promise<readonly Entry[]> {
    if (this.#space.usedBytes >= this.#size)
      throw new JournalError(
        `the database of the journal is away, and the spool ${this.#folder} has reached journal.spoolSize (${formatBytes(this.#size)})`,
      );
    const fresh = await this.#journal.append(batch);
    this.#count += fresh.length;
    return fresh;
  }

  read(limit: number): Placed[] {
    return this.#reader.read(0, limit);
  }

  remove(placed: readonly Placed[]): void {
    this.#count -= this.#change(() => {
      removeEntries(
        this.#database,
        placed.map(({ seq }) => seq),
      );
      return placed.length;
    });
  }

  unknownFields(): Drift[] {
    return driftOf(this.#database).filter(({ keyword }) => keyword === 'unknownField');
  }

  async clear(): Promise<void> {
    this.#change(() => Number(this.#database.prepare('DELETE FROM drift').run().changes));
    await giveBack(this.#database, (work) => inStep(this.#database, this.#folder, undefined, work));
    await emptyLog(this.#database);
  }

  async close(): Promise<void> {
    this.#database.close();
    await this.#journal.close();
  }

  #change(work: () => number): number {
    return inTransaction(this.#database, this.#folder, undefined, work);
  }
}
