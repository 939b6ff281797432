import pino from 'pino';
import { openJournal } from '../test/support/journal.ts';
import { notifications } from './notifications.ts';

/** Rows that are committed together, and made at a time. */
const batchSize = 5_000;

/** Makes a journal of that many notifications, all of which came in before `end` (Unix milliseconds). */
export async function fillJournal(folder: string, rows: number, end: number): Promise<void> {
  const journal = await openJournal(folder, pino({ level: 'silent' }));
  try {
    for (let done = 0; done < rows; done += batchSize) {
      const count = Math.min(batchSize, rows - done);
      await journal.append(notifications(count, end - rows + done + count));
    }
  } finally {
    await journal.close();
  }
}
