import { globToRegExp } from '../common/text/patterns.ts';
import { eventNamed } from '../kazoo/catalogue.ts';
import type { RevealedPaths } from '../kazoo/redact.ts';
import { relayCategory, relayPrefix } from '../kazoo/relay-events.ts';
import type { Entry, Interest } from '../notification/entry.ts';
import type { Header } from '../notification/header.ts';
import { createCondition } from './condition.ts';
import { explainCondition } from './condition-reason.ts';

/** Which notifications a route wants. */
export interface Selection extends Scope {
  readonly invalid: 'quarantine' | 'deliver';
  readonly resends: 'skip' | 'deliver';
  readonly unknown: 'deliver' | 'quarantine';
  /** An expression of CEL over the envelope. */
  readonly where?: string | undefined;
}

/** What of a selection can be told of a notification before it is in the journal. */
export interface Scope {
  /** Names and globs; an empty list is all. */
  readonly events: readonly string[];
  readonly accounts: readonly string[];
  readonly zones: readonly string[];
  readonly previews: 'skip' | 'deliver';
}

export type Decision = 'deliver' | 'skip' | { readonly quarantine: string };

/** Is told of each evaluation of `where`: why it failed for an entry, which is skipped then, or null where it didn't. */
type OnEvaluated = (failure: string | null, entry: Entry) => void;

/**
 * Compiles a selection into the question that is asked of every entry.
 * @throws ConditionError
 */
export function createMatcher(
  selection: Selection,
  onEvaluated: OnEvaluated = () => undefined,
): (entry: Entry) => Decision {
  const unmetBy = createSelector(selection, onEvaluated);
  return (entry) => {
    if (unmetBy(entry) !== null) return 'skip';
    // What a route doesn't want is not kept for it.
    const problem = problemOf(entry, selection);
    return problem === null ? 'deliver' : { quarantine: problem };
  };
}

/**
 * The same, for an operator who asks why.
 * @returns of each entry what keeps a route from it: the selector or the condition, with the entry's own value; null where
 *   the route wants it, be it to deliver it or to quarantine it
 */
export function createExplainer(selection: Selection): (entry: Entry) => string | null {
  const unmetBy = createSelector(selection, () => undefined);
  return (entry) => {
    const selector = unmetBy(entry);
    return selector === null ? null : reasons[selector](entry, selection);
  };
}

/** The part of a route's configuration that selects notifications. */
export function selectionOf(route: Selection): Selection {
  const { events, accounts, zones, previews, resends, invalid, unknown, where } = route;
  return { events, accounts, zones, previews, resends, invalid, unknown, ...(where !== undefined && { where }) };
}

/** What of a selection an entry doesn't meet. */
type Selector = 'state' | 'events' | 'accounts' | 'zones' | 'previews' | 'resends' | 'where';

/** The first that an entry doesn't meet, by its name alone: every entry comes by here for every route. */
function createSelector(selection: Selection, onEvaluated: OnEvaluated): (entry: Entry) => Selector | null {
  const outOfScope = createScope(selection);
  const condition = selection.where === undefined ? undefined : createCondition(selection.where);

  function fulfils(entry: Entry): boolean {
    const answer = condition?.(entry) ?? true;
    const failure = typeof answer === 'boolean' ? null : answer.failed;
    onEvaluated(failure, entry);
    return answer === true;
  }

  return (entry) => {
    // It has no event that could be wanted: it is quarantined in the journal, for all routes at once.
    if (entry.state === 'undecodable') return 'state';
    const selector = outOfScope(entry.header);
    if (selector !== null) return selector;
    if (entry.resendOf !== null && selection.resends === 'skip') return 'resends';
    return condition === undefined || fulfils(entry) ? null : 'where';
  };
}

const reasons: Readonly<Record<Selector, (entry: Entry, selection: Selection) => string>> = {
  state: () => 'it could not be decoded, so no route gets it',
  events: ({ header: { event, category } }, { events }) =>
    category === relayCategory && !wantsOwn(events)
      ? 'the daemon tells it of itself, and it is not selected by name (events: [relay_*])'
      : `its event, ${event ?? 'which it does not name'}, is not among events: ${listed(events)}`,
  accounts: ({ header: { accountId } }, { accounts }) =>
    `${accountId === null ? 'it has no account, which' : `its account, ${accountId},`} is not among accounts: ${listed(accounts)}`,
  zones: ({ header: { zone } }, { zones }) => `its zone, ${zone}, is not among zones: ${listed(zones)}`,
  previews: () => 'it is a preview (previews: skip)',
  resends: ({ resendOf }) => `KAZOO has published it again: it is a resend of ${resendOf} (resends: skip)`,
  where: (entry, { where = '' }) => explainCondition(where)(entry),
};

/** So many of a list are named. */
const named = 5;

function listed(names: readonly string[]): string {
  const rest = names.length - named;
  return `${names.slice(0, named).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** The reason why a selected entry is quarantined; null if it isn't. */
function problemOf(entry: Entry, { invalid, unknown }: Selection): string | null {
  if (entry.state === 'invalid' && invalid === 'quarantine') return quarantineReason(entry);
  return !entry.header.known && unknown === 'quarantine' ? `unknown event ${entry.header.event}` : null;
}

/** The paths of a notification's secrets that are stored beside it: those revealed by routes that may select it. */
export function createRevealedPaths(
  routes: readonly (Scope & { readonly reveal: readonly string[] })[],
): RevealedPaths {
  const revealing = routes
    .filter(({ reveal }) => reveal.length > 0)
    .map((route) => ({ outOfScope: createScope(route), reveal: route.reveal }));
  return (header) => revealing.flatMap(({ outOfScope, reveal }) => (outOfScope(header) === null ? reveal : []));
}

/** True if a route selects the daemon's own events: by name, never by `*` alone. */
export function wantsOwn(events: readonly string[]): boolean {
  return events.some(isOwnPattern);
}

function isOwnPattern(pattern: string): boolean {
  return pattern.startsWith(relayPrefix);
}

function createScope(scope: Scope): (header: Header) => 'events' | 'accounts' | 'zones' | 'previews' | null {
  const [own, kazoos] = [scope.events.filter(isOwnPattern), scope.events.filter((event) => !isOwnPattern(event))];
  const isWantedOwn = own.length > 0 ? createEventFilter(own) : () => false;
  // Without any, a route that selects our own events would select all of KAZOO's.
  const isWantedEvent = own.length > 0 && kazoos.length === 0 ? () => false : createEventFilter(kazoos);
  const accounts = new Set(scope.accounts);
  const zones = new Set(scope.zones);
  return ({ event, category, accountId, zone, preview }) => {
    // It has no account, and `where` can select its zone.
    if (category === relayCategory) return isWantedOwn(event) ? null : 'events';
    if (!isWantedEvent(event)) return 'events';
    if (accounts.size > 0 && (accountId === null || !accounts.has(accountId))) return 'accounts';
    if (zones.size > 0 && !zones.has(zone)) return 'zones';
    return preview && scope.previews === 'skip' ? 'previews' : null;
  };
}

/** What a route needs to read at all. */
export function interestOf({ events, accounts }: Pick<Selection, 'events' | 'accounts'>): Interest {
  return {
    events: events.includes('*') ? [] : events.map((name) => eventNamed(name)?.name ?? name),
    accounts: wantsOwn(events) ? [] : accounts,
    isWantedEvent: createEventFilter(events),
  };
}

/** How many names of events are remembered with their answer: more than KAZOO has, but not all that may be made up. */
const maxRemembered = 1_000;

function createEventFilter(patterns: readonly string[]): (event: string | null) => boolean {
  if (patterns.length === 0 || patterns.includes('*')) return () => true;
  const names = new Set(patterns.map((pattern) => eventNamed(pattern)?.name ?? pattern));
  const globs = patterns.filter((pattern) => pattern.includes('*')).map(globToRegExp);
  const remembered = new Map<string, boolean>();
  function isWanted(event: string): boolean {
    const known = remembered.get(event);
    if (known !== undefined) return known;
    const answer = names.has(event) || globs.some((glob) => glob.test(event));
    if (remembered.size < maxRemembered) remembered.set(event, answer);
    return answer;
  }
  // The same event often comes several times in a row; each is asked about by every route.
  let last: string | null = null;
  let lastAnswer = false;
  return (event) => {
    if (event === last) return lastAnswer;
    last = event;
    lastAnswer = event !== null && isWanted(event);
    return lastAnswer;
  };
}

/** The first problem, and how many more there are. */
function quarantineReason({ problems }: Entry): string {
  const [first] = problems;
  if (first === undefined) return 'invalid';
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  return `invalid: ${first.path === '' ? 'the body' : first.path} ${first.message}${more}`;
}
