import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { journalIn, startDaemon } from '../daemon.ts';
import { fillJournal } from '../fill-journal.ts';
import { messages } from '../notifications.ts';
import { stopwatch } from '../process.ts';
import { fill } from '../queue.ts';
import { type Part, throughput, throughputOf } from '../rounds.ts';

const usual = 100_000;
const small = 10_000;
const large = 5_000_000;

/** Intake into a small journal and into a large one. Each is made once; after each round it is as it was. */
export const journalSize: Part = {
  name: 'journal-size',
  metrics: throughput,
  async open(scale) {
    const items = Math.round(usual * scale);
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const broker = await startBroker();
    // What comes in while it is measured is newer than all that is there.
    const published = messages(items);
    const before = Date.now() - 2 * usual;
    const contender = async (rows: number) => {
      const home = join(folder, String(rows));
      await fillJournal(journalIn(home), rows, before);
      return async () => {
        await fill(broker.url, published);
        const measurement = await takeAllBehind(rows, broker.url, home, items);
        takeBack(home, rows);
        return throughputOf(measurement, items);
      };
    };
    return {
      contenders: [
        { name: `journal of ${small} rows`, run: await contender(small) },
        {
          name: `journal of ${Math.round(large * scale)} rows`,
          targets: { rate: { atLeast: 0.9 } },
          run: await contender(Math.round(large * scale)),
        },
      ],
      async close() {
        await broker.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

async function takeAllBehind(rows: number, url: string, folder: string, items: number) {
  const daemon = startDaemon({ folder, urls: [url], routes: { log: { start: 'now', sink: { type: 'log' } } } });
  try {
    await daemon.says('"consuming"');
    const stop = stopwatch(daemon.process);
    await daemon.settled(rows + items);
    return stop();
  } finally {
    await daemon.stop();
  }
}

/** Removes what has come in, and the route, which would be farther than the journal. */
function takeBack(folder: string, rows: number): void {
  const database = new DatabaseSync(join(journalIn(folder), 'journal.sqlite'));
  database.prepare('DELETE FROM notifications WHERE seq > ?').run(rows);
  database.exec('DELETE FROM routes; PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}
