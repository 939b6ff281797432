import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { openJournal, unlimited } from '../../test/support/journal.ts';
import { notifications } from '../notifications.ts';

/** Notifications of a batch, and the milliseconds between two. */
const batchSize = 20;
const pause = 5;

/**
 * Goes on appending to a journal while all that it has is removed for its age; gives the longest that a batch took, in
 * seconds, with the time that it had to wait for its turn.
 */
export async function longestAppend(folder: string): Promise<number> {
  await sync(folder);
  // What is more than a day old, as what is in it would be, lets the journal doubt the clock.
  const retention = 10 * 3_600_000;
  const journal = await openJournal(folder, pino({ level: 'silent' }), { ...unlimited, retention });
  try {
    await journal.openRoute('r', 'now');
    const { oldest } = await journal.summary();
    const isLeft = async () => Number((await journal.summary()).oldest) < Number(oldest) + retention;
    let longest = 0;
    while (await isLeft()) {
      const batch = notifications(batchSize);
      const dueAt = performance.now() + pause;
      await delay(pause);
      await journal.append(batch);
      longest = Math.max(longest, performance.now() - dueAt);
    }
    return longest / 1_000;
  } finally {
    await journal.close();
  }
}

/** The disk has what was copied there before: the journal's first sync would wait for all of it. */
async function sync(folder: string): Promise<void> {
  await using file = await open(join(folder, 'journal.sqlite'), 'r+');
  await file.sync();
}
