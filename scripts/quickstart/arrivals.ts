import { readFile } from 'node:fs/promises';
import type { JsonObject } from '../../src/common/json.ts';
import { storeAt } from '../../src/journal/open.ts';
import type { JournalReader } from '../../src/journal/reader.ts';
import type { Sample } from './samples.ts';
import type { Files } from './stage.ts';
import { until } from './until.ts';

/** Where the notifications have arrived, each by its id. */
export interface Arrivals {
  readonly journal: ReadonlyMap<string, Arrived>;
  readonly log: ReadonlySet<string>;
  readonly file: ReadonlySet<string>;
}

/** As the journal gives it. */
export type Arrived = Awaited<ReturnType<JournalReader['find']>>[number];

/** How long the notifications may take on their way, in milliseconds. */
const arriveWithin = 60_000;

/** Waits until every sample is where it should be, and no longer than a minute: then for what has arrived by then. */
export async function awaitArrivals(files: Files, samples: readonly Sample[], signal: AbortSignal): Promise<Arrivals> {
  const journal = await storeAt({ path: files.journal }).openReader();
  try {
    let arrivals: Arrivals = { journal: new Map(), log: new Set(), file: new Set() };
    const haveAllArrived = async () => {
      const entries = await journal.find({ after: 0, limit: samples.length });
      const byId = new Map(entries.map((entry) => [entry.header.id, entry]));
      arrivals = { journal: byId, log: await idsIn(files.log), file: await idsIn(files.file) };
      return faultsIn(arrivals, samples).length === 0;
    };
    await until(haveAllArrived, arriveWithin, signal);
    return arrivals;
  } finally {
    await journal.close();
  }
}

/** What isn't as it should be, in words; nothing where every sample is exactly where it belongs. */
export function faultsIn(arrivals: Arrivals, samples: readonly Sample[]): string[] {
  return samples.flatMap(({ title, id, fate }) => {
    const faults = arrivals.journal.has(id) ? [] : [`${title} is not in the journal`];
    for (const sink of ['log', 'file'] as const) {
      const isThere = arrivals[sink].has(id);
      if (fate === 'delivered' && !isThere) faults.push(`${title} has not reached the ${sink} sink`);
      if (fate === 'kept' && isThere) faults.push(`${title} has reached the ${sink} sink, where it doesn't belong`);
    }
    return faults;
  });
}

async function idsIn(file: string): Promise<ReadonlySet<string>> {
  // The sink makes its file with the first notification.
  const text = await readFile(file, 'utf8').catch(() => '');
  // What follows the last line end is still being written.
  const lines = text.split('\n').slice(0, -1);
  return new Set(lines.map((line) => String((JSON.parse(line) as JsonObject).id))); // both sinks write objects
}
