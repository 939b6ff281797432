import { globToRegExp } from '../common/text/patterns.ts';
import { eventNamed } from '../kazoo/catalogue.ts';
import type { RevealedPaths } from '../kazoo/redact.ts';
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

/**
 * Compiles a selection into the question that is asked of every entry.
 * @param onFailure is told why `where` couldn't be evaluated for an entry, which is skipped then
 * @throws ConditionError
 */
export function createMatcher(
  selection: Selection,
  onFailure: (reason: string) => void = () => undefined,
): (entry: Entry) => Decision {
  const checks = checksOf(selection, onFailure);
  return (entry) => {
    for (const check of checks) if (!check.passes(entry)) return 'skip';
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
  const checks = checksOf(selection, () => undefined);
  return (entry) => checks.find((check) => !check.passes(entry))?.whyNot(entry) ?? null;
}

/** What of a route's configuration says what it wants, and nothing else of it. */
export function selectionOf(route: Selection): Selection {
  const { events, accounts, zones, previews, resends, invalid, unknown, where } = route;
  return { events, accounts, zones, previews, resends, invalid, unknown, ...(where !== undefined && { where }) };
}

/** What an entry has to pass; and what is said of one that doesn't, which is made only then. */
interface Check<E = Entry> {
  passes(entry: E): boolean;
  whyNot(entry: E): string;
}

function checksOf(selection: Selection, onFailure: (reason: string) => void): Check[] {
  const { resends, where } = selection;
  return [
    {
      // It has no event that could be wanted: it is quarantined in the journal, for all routes at once.
      passes: ({ state }) => state !== 'undecodable',
      whyNot: () => 'it could not be decoded, so no route gets it',
    },
    ...scopeChecks(selection),
    ...(resends === 'skip' ? [noResend] : []),
    ...(where === undefined ? [] : [conditionCheck(where, onFailure)]),
  ];
}

const noResend: Check = {
  passes: ({ resendOf }) => resendOf === null,
  whyNot: ({ resendOf }) => `KAZOO has published it again: it is a resend of ${resendOf} (resends: skip)`,
};

function conditionCheck(where: string, onFailure: (reason: string) => void): Check {
  const condition = createCondition(where);
  return {
    passes(entry) {
      const answer = condition(entry);
      if (typeof answer === 'boolean') return answer;
      onFailure(answer.failed);
      return false;
    },
    whyNot: (entry) => explainCondition(where)(entry),
  };
}

/** What keeps a wanted entry in quarantine; null where nothing does. */
function problemOf(entry: Entry, { invalid, unknown }: Selection): string | null {
  if (entry.state === 'invalid' && invalid === 'quarantine') return quarantineReason(entry);
  return !entry.header.known && unknown === 'quarantine' ? `unknown event ${entry.header.event}` : null;
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

type Scoped = Pick<Entry, 'header'>;

function createScope(scope: Scope): (header: Header) => boolean {
  const checks = scopeChecks(scope);
  return (header) => checks.every((check) => check.passes({ header }));
}

function scopeChecks(scope: Scope): Check<Scoped>[] {
  const isWantedEvent = createEventFilter(scope.events);
  const accounts = new Set(scope.accounts);
  const zones = new Set(scope.zones);
  const checks: Check<Scoped>[] = [];
  if (!isEverything(scope.events))
    checks.push({
      passes: ({ header: { event } }) => isWantedEvent(event),
      whyNot: ({ header: { event } }) =>
        `its event, ${event ?? 'which it does not name'}, is not among events: ${listed(scope.events)}`,
    });
  if (accounts.size > 0)
    checks.push({
      passes: ({ header: { accountId } }) => accountId !== null && accounts.has(accountId),
      whyNot: ({ header: { accountId } }) =>
        `${accountId === null ? 'it has no account, which' : `its account, ${accountId},`} is not among accounts: ${listed(scope.accounts)}`,
    });
  if (zones.size > 0)
    checks.push({
      passes: ({ header: { zone } }) => zones.has(zone),
      whyNot: ({ header: { zone } }) => `its zone, ${zone}, is not among zones: ${listed(scope.zones)}`,
    });
  if (scope.previews === 'skip')
    checks.push({ passes: ({ header: { preview } }) => !preview, whyNot: () => 'it is a preview (previews: skip)' });
  return checks;
}

/** So many of a list are named. */
const named = 5;

function listed(names: readonly string[]): string {
  const rest = names.length - named;
  return `${names.slice(0, named).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
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

function isEverything(patterns: readonly string[]): boolean {
  return patterns.length === 0 || patterns.includes('*');
}

function createEventFilter(patterns: readonly string[]): (event: string | null) => boolean {
  if (isEverything(patterns)) return () => true;
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
