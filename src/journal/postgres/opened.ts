import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { postgresServers } from '../../common/net/postgres-url.ts';
import type { AboutDaemon, Limits, OpenOptions } from '../journal.ts';
import type { SharedLocation } from '../location.ts';
import type { Pause } from '../reader.ts';
import { probeAppends } from './append.ts';
import { Acts } from './audit.ts';
import { SharedClock, signsIn } from './clock.ts';
import { type Database, Lane } from './connection.ts';
import { enterDaemon } from './daemon.ts';
import { DeliveryCounts } from './delivery-counts.ts';
import { Lease } from './lease.ts';
import { addRanges } from './log-ranges.ts';
import { migrate } from './migrate.ts';
import { Outages } from './outages.ts';
import { Primary } from './primary.ts';
import { pausesIn } from './summary.ts';

/** Connections by what they are for, so that nothing waits behind what is slower. Milliseconds. */
function lanesTo(primary: Primary) {
  return {
    appending: new Lane(primary, { size: 1, within: 1_000, mustConfirm: true, probe: probeAppends }),
    leasing: new Lane(primary, { size: 1, within: 1_000 }),
    settling: new Lane(primary, { size: 1, within: 5_000, mustConfirm: true }),
    looking: new Lane(primary, { size: 1, within: 2_000 }),
    // What routes read; and what takes longer, of a route's beginning and of whoever asks: the one waits not for the other.
    reading: new Lane(primary, { size: 3, within: 5_000 }),
    beginning: new Lane(primary, { size: 1, within: 30_000 }),
    asking: new Lane(primary, { size: 2, within: 30_000 }),
    // Of whoever asks, too, but before he may.
    admitting: new Lane(primary, { size: 1, within: 2_000 }),
    // One may be long, and an append may wait for a range.
    tidying: new Lane(primary, { size: 2, within: 60_000 }),
  };
}

type Lanes = ReturnType<typeof lanesTo>;

/** What there is when a daemon has opened a journal. */
export interface Opened {
  readonly location: SharedLocation;
  readonly holder: string;
  readonly primary: Primary;
  readonly lanes: Lanes;
  readonly lease: Lease;
  readonly about: AboutDaemon;
  readonly log: Logger;
  /** The number of this daemon. */
  readonly origin: number;
  readonly head: number;
  readonly signal: number;
  readonly clock: SharedClock;
  readonly counts: DeliveryCounts;
  readonly outages: Outages;
  readonly acts: Acts;
  readonly pauses: ReadonlyMap<string, Pause>;
}

/** @throws JournalError where it can't be reached or used, is newer, or a daemon of this name lives */
export async function opened(
  location: SharedLocation,
  limits: Limits,
  log: Logger,
  options: OpenOptions,
): Promise<Opened> {
  const { about = { version: 'unknown', configuration: '' } } = options;
  const holder = randomUUID();
  const primary = new Primary(postgresServers(location.url), location.schema, log);
  const lanes = lanesTo(primary);
  const lease = new Lease(lanes.leasing, holder, log, undefined, options.leaseTtl);
  try {
    await migrate(lanes.tidying, location.schema);
    const origin = await enterDaemon(lanes.asking, holder, location.name, about);
    const outages = new Outages(lanes.asking, location.name);
    await outages.begin();
    const signs = await signsIn(lanes.asking);
    await lease.open();
    // Only now it is known how far this machine's clock is from the database's.
    const time = { now: () => Date.now() - lease.skew, skew: () => lease.skew };
    const clock = await SharedClock.open(lanes.asking, signs, time, log);
    await addRanges(lanes.tidying, limits);
    return {
      ...{ location, holder, primary, lanes, lease, about, log },
      ...{ origin, clock, outages, ...(await newest(lanes.asking)) },
      counts: await DeliveryCounts.open(lanes.asking, clock),
      acts: await Acts.open(lanes.asking, log),
      pauses: await pausesIn(lanes.asking),
    };
  } catch (error) {
    await lease.close();
    await Promise.all(Object.values(lanes).map((lane) => lane.close()));
    throw error;
  }
}

async function newest(database: Database): Promise<{ head: number; signal: number }> {
  const [row] = await database.query<{ head: number; signal: number }>(
    `SELECT (SELECT last FROM appends ORDER BY last DESC LIMIT 1) AS head,
       (SELECT number FROM signals ORDER BY number DESC LIMIT 1) AS signal`,
  );
  return row ?? { head: 0, signal: 0 };
}
