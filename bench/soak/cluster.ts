import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import { fileName, thisMachine } from '../report.ts';
import { arrivalsAt } from './arrivals.ts';
import { clusterFaults } from './cluster-faults.ts';
import { type ClusterStage, openClusterStage } from './cluster-stage.ts';
import { startLoad } from './load.ts';

const faultEvery = 10_000;

/** Returns the exit code: 0 where nothing is missing. */
export async function soakCluster(minutes: number, rate: number, say: (text: string) => void): Promise<number> {
  await using stage = await openClusterStage();
  const load = startLoad(stage.url, rate);
  const watching = watchCluster(stage);
  const end = performance.now() + minutes * 60_000;
  const broken: string[] = [];
  const next: string[] = [];
  while (performance.now() + faultEvery < end) {
    const nextAt = performance.now() + faultEvery;
    if (next.length === 0) next.push(...Object.keys(clusterFaults));
    const [fault = ''] = next.splice(Math.floor(Math.random() * next.length), 1);
    say(`${load.confirmed.size} published: ${fault}`);
    await clusterFaults[fault]?.(stage);
    broken.push(fault);
    await delay(Math.max(0, nextAt - performance.now()));
  }
  await delay(Math.max(0, end - performance.now()));
  await load.stop();
  say(`published ${load.confirmed.size}; waiting for all of them to arrive`);
  const arrivals = arrivalsAt(stage.files, stage.database);
  await until(async () => (await arrivals.missing(load.confirmed)) === 0, {
    what: 'all',
    interval: 2_000,
    timeout: 300_000,
  })
    // What is missing then is told below.
    .catch(() => undefined);
  const sinks = await arrivals.count(load.confirmed);
  const { takeOvers, longestPause } = await watching.stop();
  const sorted = takeOvers.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
  const date = new Date().toISOString();
  const summary = {
    ...{ minutes, rate, confirmed: load.confirmed.size, unconfirmed: load.unconfirmed, sinks, faults: broken.length },
    takeOvers: { count: sorted.length, p50: at(0.5), p99: at(0.99) },
    longestPause,
  };
  const name = `${fileName(`soak-cluster-${date}`)}.json`;
  writeFileSync(name, `${JSON.stringify({ date, machine: thisMachine(), ...summary, broken }, null, 1)}\n`);
  console.log(JSON.stringify(summary, null, 2));
  say(`written to ${name}`);
  return sinks.file.missing + sinks.database.missing === 0 ? 0 : 1;
}

/** In milliseconds. */
interface Watched {
  /** From when the holder's lease was not renewed any more, or let go, to when another daemon had the route. */
  readonly takeOvers: readonly number[];
  /** While notifications come, the longest time without one in the journal or in a spool. */
  readonly longestPause: number;
}

/** Looks every 50 ms; while the database is away, it can't be told who has a route. */
function watchCluster(stage: ClusterStage): { stop(): Promise<Watched> } {
  const stopping = new AbortController();
  const takeOvers: number[] = [];
  let [longestPause, grewAt, epoch, aliveAt] = [0, performance.now(), 0, performance.now()];
  let before = [0];
  const look = `SELECT (SELECT max(last) FROM soak.appends) AS head, epoch, holder IS NOT NULL AND soak.is_alive(holder) AS held
    FROM soak.routes WHERE route = 'database'`;
  const watching = (async () => {
    let head = 0;
    while (!stopping.signal.aborted) {
      const [row] = await stage.journal.query(look).catch(() => []);
      const now = performance.now();
      if (row !== undefined) {
        head = Number(row.head);
        if (row.held) {
          if (epoch > 0 && Number(row.epoch) > epoch) takeOvers.push(Math.round(now - aliveAt));
          epoch = Number(row.epoch);
          aliveAt = now;
        }
      }
      const newest = [head, ...stage.spools.map(newestIn)];
      if (newest.some((seq, index) => seq > (before[index] ?? 0))) {
        longestPause = Math.max(longestPause, Math.round(now - grewAt));
        grewAt = now;
      }
      before = newest;
      await delay(50);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await watching;
      return { takeOvers, longestPause };
    },
  };
}

/** What is drained is removed, and the numbers begin anew. */
function newestIn(spool: string): number {
  try {
    using database = new DatabaseSync(join(spool, 'journal.sqlite'), { readOnly: true, timeout: 1_000 });
    return Number(database.prepare('SELECT max(seq) AS newest FROM notifications').get()?.newest ?? 0);
  } catch {
    return 0;
  }
}
