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
  const broken: { fault: string; at: number }[] = [];
  const next: string[] = [];
  while (performance.now() + faultEvery < end) {
    const nextAt = performance.now() + faultEvery;
    if (next.length === 0) next.push(...Object.keys(clusterFaults));
    const [fault = ''] = next.splice(Math.floor(Math.random() * next.length), 1);
    say(`${load.confirmed.size} published: ${fault}`);
    broken.push({ fault, at: performance.now() });
    await clusterFaults[fault]?.(stage);
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
  const date = new Date().toISOString();
  const summary = {
    ...{ minutes, rate, confirmed: load.confirmed.size, unconfirmed: load.unconfirmed, sinks, faults: broken.length },
    ...{ takeOvers: timesOf(broken, takeOvers), longestPause },
  };
  const name = `${fileName(`soak-cluster-${date}`)}.json`;
  writeFileSync(name, `${JSON.stringify({ date, machine: thisMachine(), ...summary, broken }, null, 1)}\n`);
  console.log(JSON.stringify(summary, null, 2));
  say(`written to ${name}`);
  return sinks.file.missing + sinks.database.missing === 0 ? 0 : 1;
}

/** Milliseconds from a fault to the next claim, by fault; where there was none, nobody had to claim. */
function timesOf(broken: readonly { readonly fault: string; readonly at: number }[], takeOvers: readonly number[]) {
  const times = broken.flatMap(({ fault, at }, index) => {
    const until = broken[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const next = takeOvers.find((time) => time >= at && time < until);
    return next === undefined ? [] : [{ fault, time: Math.round(next - at) }];
  });
  const spreadOf = (some: typeof times) => {
    const sorted = some.map(({ time }) => time).toSorted((one, other) => one - other);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
    return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
  };
  return Object.fromEntries(
    [...Map.groupBy(times, ({ fault }) => fault)].map(([fault, some]) => [fault, spreadOf(some)]),
  );
}

interface Watched {
  /** When another daemon had the route, or the same one anew, by the monotonic clock. */
  readonly takeOvers: readonly number[];
  /** In milliseconds: while notifications come, the longest time without one in the journal or in a spool. */
  readonly longestPause: number;
}

/** Looks every 50 ms; while the database is away, it can't be told who has a route. */
function watchCluster(stage: ClusterStage): { stop(): Promise<Watched> } {
  const stopping = new AbortController();
  const takeOvers: number[] = [];
  let [longestPause, grewAt, epoch] = [0, performance.now(), 0];
  let before = [0];
  const look = `SELECT (SELECT max(last) FROM appends) AS head, epoch FROM routes WHERE route = 'database'`;
  const watching = (async () => {
    let head = 0;
    while (!stopping.signal.aborted) {
      const [row] = await stage.rows(look).catch(() => []);
      const now = performance.now();
      if (row !== undefined) {
        head = Number(row.head);
        if (epoch > 0 && Number(row.epoch) > epoch) takeOvers.push(now);
        epoch = Number(row.epoch);
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
