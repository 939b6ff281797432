import { globToRegExp } from '../common/text/patterns.ts';
import { eventNamed } from '../kazoo/catalogue.ts';
import type { RevealedPaths } from '../kazoo/redact.ts';
import type { Entry, Interest } from '../notification/entry.ts';
import type { Header } from '../notification/header.ts';
import { createCondition } from './condition.ts';

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

/**
 * Compiles a selection into the question that is asked of every entry.
 * @param onFailure is told why `where` couldn't be evaluated for an entry, which is skipped then
 * @throws ConditionError
 */
export function createMatcher(
  selection: Selection,
  onFailure: (reason: string) => void = () => undefined,
): (entry: Entry) => Decision {
  const isInScope = createScope(selection);
  const condition = selection.where === undefined ? undefined : createCondition(selection.where);

  function fulfils(entry: Entry): boolean {
    const answer = condition?.(entry) ?? true;
    if (typeof answer === 'boolean') return answer;
    onFailure(answer.failed);
    return false;
  }

  return (entry) => {
    // It has no event that could be wanted: it is quarantined in the journal, for all routes at once.
    if (entry.state === 'undecodable') return 'skip';
    if (!isInScope(entry.header)) return 'skip';
    if (entry.resendOf !== null && selection.resends === 'skip') return 'skip';
    // Before quarantine: what a route doesn't want is not kept for it.
    if (condition !== undefined && !fulfils(entry)) return 'skip';
    if (entry.state === 'invalid' && selection.invalid === 'quarantine') return { quarantine: quarantineReason(entry) };
    if (!entry.header.known && selection.unknown === 'quarantine')
      return { quarantine: `unknown event ${entry.header.event}` };
    return 'deliver';
  };
}

/** What of a notification's secrets is kept beside it: those that a route reveals which may select it, and no others. */
export function createRevealedPaths(
  routes: readonly (Scope & { readonly reveal: readonly string[] })[],
): RevealedPaths {
  const revealing = routes
    .filter(({ reveal }) => reveal.length > 0)
    .map((route) => ({ isInScope: createScope(route), reveal: route.reveal }));
  return (header) => revealing.flatMap(({ isInScope, reveal }) => (isInScope(header) ? reveal : []));
}

function createScope(scope: Scope): (of: Header) => boolean {
  const isWantedEvent = createEventFilter(scope.events);
  const accounts = new Set(scope.accounts);
  const zones = new Set(scope.zones);
  return ({ event, accountId, zone, preview }) => {
    if (!isWantedEvent(event)) return false;
    if (accounts.size > 0 && (accountId === null || !accounts.has(accountId))) return false;
    if (zones.size > 0 && !zones.has(zone)) return false;
    return !preview || scope.previews === 'deliver';
  };
}

/** What a route needs to read at all. */
export function interestOf({ events, accounts }: Pick<Selection, 'events' | 'accounts'>): Interest {
  return {
    events: events.includes('*') ? [] : events.map((name) => eventNamed(name)?.name ?? name),
    accounts,
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
