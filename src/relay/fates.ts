import { pluralize } from '../common/text/format.ts';
import type { DeliveryRecord, OperatorStore } from '../journal/operator-store.ts';
import type { LoggedDelivery, SelectionVersion } from '../journal/reader.ts';
import { digestReason, triesIn } from '../journal/route-session.ts';
import type { Entry } from '../notification/entry.ts';
import type { RouteStatus, Status } from '../ops/status.ts';
import { createExplainer, type Selection } from '../routes/match.ts';
import { takenElsewhere } from './replay.ts';

/** What has become of a notification on a route. */
export interface Fate {
  /** Empty where it is that of all routes. */
  readonly route: string;
  readonly state:
    | DeliveryRecord['state']
    | LoggedDelivery['outcome']
    | 'not_wanted'
    | 'not_reached'
    | 'never_run'
    | 'route_is_newer'
    | 'unknown';
  /** For people: when, and why. */
  readonly text: string;
  /** Unix milliseconds: when it was delivered, dropped or given up, or when its next try is. */
  readonly at: number | null;
  readonly tries: number;
  /** What the other side answered. */
  readonly code: number | string | null;
}

/** Tells what has become of notifications, route by route: those of the configuration first, in its order. */
export type FateTeller = (entry: Entry) => Promise<Fate[]>;

/**
 * @param routes those of the configuration
 * @param status of the daemon, which alone knows which sinks are away; null where none runs
 * @param time shows Unix milliseconds
 */
export async function createFateTeller(
  store: OperatorStore,
  routes: readonly RouteSelection[],
  status: Status | null,
  time: (at: number) => string,
): Promise<FateTeller> {
  const versions = Map.groupBy(await store.selections(), ({ route }) => route);
  const since = await store.loggedSince();
  const tellers = routes.map(({ name, ...today }) => ({
    name,
    tell: wishTeller(name, today, versions.get(name) ?? [], since, time),
  }));
  const statusOf = new Map(status?.routes.map((route) => [route.name, route]));

  async function restOf(name: string, entry: Entry, tell: (entry: Entry) => Told): Promise<Told> {
    const cursor = await store.cursorOf(name);
    if (cursor === null)
      return { state: 'never_run', text: `the route has never run${obstacle(status, statusOf.get(name))}` };
    const other = (await takenElsewhere(store, name, [entry.seq])).get(entry.seq);
    if (other !== undefined) return { state: 'not_wanted', text: `not wanted: the daemon ${other} took it` };
    const passed = await store.passedAmong(name, cursor, [entry.seq]);
    if (!passed.has(entry.seq)) return notReached(entry.seq - cursor, status, statusOf.get(name));
    return tell(entry);
  }

  return async (entry) => {
    const records = await store.recordsOf(entry.seq);
    const logged = await store.deliveriesOf(entry.seq);
    const knownOf = (route: string) => {
      const record = records.find((one) => one.route === route);
      const [last] = logged.filter((one) => one.route === route);
      return record === undefined ? last && loggedFate(last, time) : recordFate(record, last, time);
    };
    // What can't be decoded is nobody's by itself.
    const shared = knownOf('');
    if (shared !== undefined) return [shared];
    const own: Fate[] = [];
    for (const { name, tell } of tellers) {
      const known = knownOf(name);
      if (known === undefined) own.push({ ...nothing, route: name, ...(await restOf(name, entry, tell)) });
      else own.push(known.state === 'waiting' ? heldUp(known, status, statusOf.get(name)) : known);
    }
    const names = new Set(routes.map(({ name }) => name));
    const others = new Set([...records, ...logged].map(({ route }) => route).filter((route) => !names.has(route)));
    return [...own, ...[...others].flatMap((route) => formerFate(knownOf(route)))];
  };
}

const nothing = { at: null, tries: 0, code: null };

type RouteSelection = Selection & { readonly name: string };

type Time = (at: number) => string;

type Told = Pick<Fate, 'state' | 'text'>;

function recordFate(record: DeliveryRecord, before: LoggedDelivery | undefined, time: Time): Fate {
  const { route, state, dueAt, updatedAt, attempts } = record;
  const earlier = before?.outcome === 'delivered' ? `; it was delivered before, ${time(before.at)}` : '';
  const at = state === 'waiting' ? dueAt : updatedAt;
  const fate = { route, state, at, tries: triesIn(attempts), code: attempts.at(-1)?.code ?? null };
  return { ...fate, text: `${recordText(record, time)}${earlier}` };
}

function recordText({ state, dueAt, updatedAt, attempts, reason }: DeliveryRecord, time: Time): string {
  const since = time(updatedAt);
  const count = triesIn(attempts);
  const after = count === 0 ? '' : ` after ${pluralize(count, 'try', 'tries')}`;
  switch (state) {
    case 'waiting':
      if (reason.startsWith(digestReason) && dueAt !== null) return `waiting for its digest, due ${time(dueAt)}`;
      return `waiting${dueAt === null ? '' : `, next try ${time(dueAt)}`}${after}: ${reason}`;
    case 'quarantined':
      return `quarantined ${since}: ${reason}`;
    case 'dead':
      return `dead ${since}${after}: ${reason}`;
    default:
      return `could not be decoded, no route gets it: ${reason}`;
  }
}

function loggedFate({ route, outcome, at, code, attempts, by }: LoggedDelivery, time: Time): Fate {
  const when = time(at);
  const texts = {
    delivered: `delivered ${when}${code === null ? '' : `, answered ${code}`}, after ${pluralize(attempts, 'try', 'tries')}`,
    dropped: `dropped ${when}${by === null ? ' by an operator' : ` by ${by}`}`,
    expired: `given up, and removed ${when} at the end of journal.deadRetention`,
  };
  return { route, state: outcome, text: texts[outcome], at, tries: attempts, code };
}

/** Nothing more happens to what a route left that is gone. */
function formerFate(fate: Fate | undefined): Fate[] {
  return fate === undefined ? [] : [{ ...fate, text: `${fate.text} (not in the configuration)` }];
}

function notReached(ahead: number, status: Status | null, route: RouteStatus | undefined): Told {
  const before = ahead <= 1 ? '' : `, ${pluralize(ahead - 1, 'notification')} are before it`;
  return { state: 'not_reached', text: `not delivered yet${before}${obstacle(status, route)}` };
}

/** Its next try comes, but not before what is in the way of its route is gone. */
function heldUp(fate: Fate, status: Status | null, route: RouteStatus | undefined): Fate {
  return { ...fate, text: `${fate.text}${status === null ? '' : obstacle(status, route)}` };
}

function obstacle(status: Status | null, route: RouteStatus | undefined): string {
  if (status === null) return '; the daemon does not run';
  if (route === undefined) return '; the daemon runs without this route: kazoo-relay reload';
  if (route.paused) return `; the route is paused: kazoo-relay resume ${route.name}`;
  if (route.interrupted) return `; the route is interrupted: ${route.interrupted}`;
  const { circuit, holder } = route;
  if (circuit === null && status.daemons?.length > 0)
    return holder ? `; the daemon ${holder} has the route, and knows why` : '; no daemon runs the route';
  if (circuit === null || circuit.state === 'closed') return '';
  const probe = circuit.next_probe === null ? '' : `, next probe in ${circuit.next_probe} s`;
  return `; the sink is away${probe}: ${circuit.reason ?? 'unknown'}`;
}

/**
 * Why a route has delivered nothing of an entry that it has passed, by what it selected then.
 * @param versions of its selection, newest first
 * @param since when deliveries are logged
 */
function wishTeller(
  route: string,
  today: Selection,
  versions: readonly SelectionVersion[],
  since: number | null,
  time: Time,
): (entry: Entry) => Told {
  const explainToday = createExplainer(today);
  const explainers = new Map<SelectionVersion, (entry: Entry) => string | null>();
  const explainerOf = (version: SelectionVersion) => {
    let explain = explainers.get(version);
    explain ??= version.selection === null ? explainToday : createExplainer(version.selection as Selection); // as `selectionOf` made it
    explainers.set(version, explain);
    return explain;
  };
  return (entry) => {
    const index = versions.findIndex(({ after }) => after < entry.seq);
    const version = versions[index];
    if (version === undefined) return newerRoute(versions.at(-1), time);
    const reason = explainerOf(version)(entry);
    if (reason === null) return unlogged(since, time);
    const next = versions[index - 1];
    return { state: 'not_wanted', text: `not wanted: ${reason}${sinceThen()}` };

    function sinceThen(): string {
      if (next !== undefined && explainToday(entry) === null) {
        const again = `kazoo-relay replay --route ${route} ${entry.header.id}`;
        return `. So it was until ${time(next.at)}; by today's configuration it is wanted: ${again}`;
      }
      return version?.selection === null ? " (by today's configuration)" : '';
    }
  };
}

function newerRoute(first: SelectionVersion | undefined, time: Time): Told {
  const begun = first === undefined ? '' : `: it began ${time(first.at)}`;
  return { state: 'route_is_newer', text: `the route is newer than it${begun}` };
}

function unlogged(since: number | null, time: Time): Told {
  const begins = since === null ? 'nothing is logged yet' : `the log begins ${time(since)}`;
  return { state: 'unknown', text: `the route has passed it; what became of it is not known any more: ${begins}` };
}
