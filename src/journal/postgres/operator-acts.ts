import type { Entry } from '../../notification/entry.ts';
import type {
  ActName,
  ActSelection,
  DeliveryFilter,
  DeliveryRecord,
  Operator,
  OperatorAct,
} from '../operator-store.ts';
import { triesIn } from '../route-session.ts';
import { ActSteps } from './audit.ts';
import { acceptedClock } from './clock.ts';
import type { Queryable } from './connection.ts';
import { type Compacting, eraseAccount } from './erase.ts';
import { recordPlaces } from './records.ts';

/** Changes are committed in steps of so many lines: as many as take about so many milliseconds. */
const mostLines = 2_000;
const fewestLines = 50;
const stepTime = 100;

/** What an operator does; each change and the row that tells of it in the audit are one statement. */
export function actOf(
  database: Queryable,
  compacting: Compacting,
  operator: Operator,
  selection: ActSelection,
): OperatorAct {
  const steps = new ActSteps(database, operator, selection);
  /** Calls a function for some after the others. */
  const inSteps = async <T>(
    act: ActName,
    call: string,
    items: readonly T[],
    columns: (some: readonly T[]) => unknown[],
  ) => {
    const size = new StepSize();
    let changed = 0;
    for (let next = 0; next < items.length; ) {
      const some = items.slice(next, next + size.lines);
      changed += await size.timed(() => steps.do({ act, ctes: calling(call), values: columns(some) }));
      next += some.length;
    }
    return changed;
  };
  return {
    begin: (act) => steps.begin(act, selection.route ?? null),
    tell: (progress) => steps.tell(progress, selection.route ?? null),
    retry: (chosen) => inSteps('retry', `retry_records($1, $2, '{dead,quarantined}', ${byHand})`, chosen, placesOf),
    retryDead: (which) => retryDead(database, steps, { ...which, states: ['dead'] }),
    hasten: (chosen) => inSteps('retry', 'hasten_records($1, $2)', chosen, placesOf),
    drop: (chosen) =>
      inSteps('drop', 'drop_records($1, $2, $3, $4, $5)', chosen, (some) => [
        ...placesOf(some),
        some.map(({ state }) => state),
        some.map(({ attempts }) => triesIn(attempts)),
        operator.who,
      ]),
    replay: (route, entries) =>
      inSteps('replay', "replay_entries($1, $2, $3, 'replayed')", entries, (some: readonly Entry[]) => [
        route,
        some.map(({ seq }) => seq),
        some.map(({ header }) => header.accountId),
      ]),
    pause: async (route) =>
      (await steps.do({ act: 'pause', ctes: pausing, values: [route, operator.who], route })) === 1,
    resume: async (route) => (await steps.do({ act: 'resume', ctes: resuming, values: [route], route })) === 1,
    forget: (route) => forget(steps, route),
    erase: (accountId, compact) => eraseAccount(database, compacting, steps, accountId, compact),
    acceptClock: async () => void (await steps.do({ act: 'accept-clock', ctes: acceptedClock, values: [] })),
    probed: async (routes) =>
      void (await steps.do({ act: 'probe', ctes: 'step AS (SELECT $1::bigint AS changed)', values: [routes] })),
  };
}

const byHand = "'tried again by hand'";

function calling(call: string): string {
  return `step AS MATERIALIZED (SELECT ${call} AS changed)`;
}

const counted = 'step AS (SELECT count(*) AS changed FROM done)';
const pausing = `done AS (INSERT INTO paused (route, who) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1), ${counted}`;
const resuming = `done AS (DELETE FROM paused WHERE route = $1 RETURNING 1), ${counted}`;

function placesOf(chosen: readonly Pick<DeliveryRecord, 'route' | 'seq'>[]): unknown[] {
  return [chosen.map(({ route }) => route), chosen.map(({ seq }) => seq)];
}

/** They are found first, however few there may be among many, and looked at once more when they are changed. */
async function* retryDead(database: Queryable, steps: ActSteps, which: DeliveryFilter): AsyncGenerator<number> {
  const ctes = calling(`retry_records($1, $2, '{dead}', ${byHand})`);
  const size = new StepSize();
  for (let after = 0; ; ) {
    const found = await recordPlaces(database, which, after, size.lines);
    const last = found.at(-1);
    if (last === undefined) return;
    after = last.number;
    yield await size.timed(() => steps.do({ act: 'retry', ctes, values: placesOf(found) }));
  }
}

/** How many lines the next step should change, by what the ones before took: a daemon waits for what it changes too. */
class StepSize {
  lines = 500;

  async timed<T>(work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    const ideal = (this.lines * stepTime) / Math.max(1, performance.now() - start);
    this.lines = Math.round(Math.min(mostLines, Math.max(fewestLines, ideal, this.lines / 2), this.lines * 2));
    return result;
  }
}

/** The cursor last, and what stands beyond it: where this is cut off, it can be done again. */
async function forget(steps: ActSteps, route: string): Promise<void> {
  const act = { act: 'forget', values: [route], route } as const;
  const some = (table: string, kind = '') =>
    `(SELECT number FROM ${table} WHERE route = $1 ${kind} LIMIT ${mostLines})`;
  const removing = (table: string, numbers: string) =>
    `done AS (DELETE FROM ${table} WHERE number = ANY (ARRAY(${numbers})) RETURNING 1), ${counted}`;
  const records = removing('deliveries', some('deliveries'));
  const kinds = ['AND gaps IS NULL', 'AND gaps IS NOT NULL'];
  const lines = removing('delivery_log', kinds.map((kind) => some('delivery_log', kind)).join(' UNION ALL '));
  for (let more = true; more; ) more = (await steps.do({ ...act, ctes: records })) > 0;
  for (let more = true; more; ) more = (await steps.do({ ...act, ctes: lines, isCounted: false })) > 0;
  await steps.do({ ...act, ctes: calling('forget_route($1)') });
}
