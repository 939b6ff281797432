import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { databaseFile } from './database.ts';
import { journalFailure } from './failure.ts';
import { isLocked } from './lock.ts';

/**
 * Changes are committed in steps of so many lines, or milliseconds. Where those of a thousand accounts change, each step
 * writes a page of the index for each account: smaller ones would write ten times as much.
 */
export const mostLines = 5_000;
const longestStep = 50;

/** Between steps a daemon has the journal for so many milliseconds: while it waits, it looks at least that often. */
const gap = 25;

/** Does the work for each, in transactions of some; returns for how many it changed something. */
export async function inSteps<T>(
  database: DatabaseSync,
  folder: string,
  items: readonly T[],
  work: (item: T) => boolean,
  note?: Note,
): Promise<number> {
  let changed = 0;
  for (let next = 0; next < items.length; ) {
    changed += inTransaction(database, folder, note, () => {
      const end = performance.now() + longestStep;
      let count = 0;
      for (const item of items.slice(next, next + mostLines)) {
        if (work(item)) count += 1;
        next += 1;
        if (performance.now() >= end) break;
      }
      return count;
    });
    if (next < items.length) await othersTurn(folder);
  }
  return changed;
}

/** One transaction, and a turn for whoever waits for the journal meanwhile. */
export async function inStep(
  database: DatabaseSync,
  folder: string,
  note: Note | undefined,
  work: () => number,
): Promise<number> {
  const count = inTransaction(database, folder, note, work);
  await othersTurn(folder);
  return count;
}

/**
 * @param work returns how much it has changed
 * @throws JournalError, and nothing of the work is done
 */
export function inTransaction(
  database: DatabaseSync,
  folder: string,
  note: Note | undefined,
  work: () => number,
): number {
  try {
    database.exec('BEGIN IMMEDIATE');
    const count = work();
    const committed = count > 0 ? note?.(count) : undefined;
    database.exec('COMMIT');
    committed?.();
    return count;
  } catch (cause) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw journalFailure(databaseFile(folder), 'written', cause, 'command');
  }
}

/** Writes how much a transaction has changed within that, and returns what follows once it is committed. */
export type Note = (count: number) => () => void;

export async function othersTurn(folder: string): Promise<void> {
  if (isLocked(folder)) await delay(gap);
  else await nextTurn();
}

/** @throws JournalError with what an operator can do */
export async function trying<T>(file: string, what: 'read' | 'written', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw journalFailure(file, what, cause, 'command');
  }
}
