import { pluralize } from '../common/text/format.ts';
import { shortTime, span, type TimeZoneOption } from '../common/text/times.ts';
import type { Need } from './need.ts';
import { sharedNeeds } from './shared-needs.ts';
import type { BrokerStatus, RouteStatus, Status } from './status.ts';

/** The conclusion of a status. */
export interface Attention {
  /** `all is well`, or how many of what need an operator. */
  readonly verdict: string;
  /** Since when all is well, in Unix milliseconds; null where it isn't. */
  readonly wellSince: number | null;
  readonly needs: readonly Need[];
}

/**
 * All is well where the daemon runs, alone takes what comes from every broker, no sink is away or refuses an account, and nothing is dead or quarantined
 * that no operator has looked at. A pause is an operator's own wish.
 */
export function attentionIn(status: Status, zone: TimeZoneOption = {}): Attention {
  const { running, journal, clock, routes } = status;
  const brokers = status.brokers ?? [];
  const since: Since = (time) => {
    const at = Date.parse(time);
    return `since ${shortTime(at, zone)} (for ${span(Date.now() - at)})`;
  };
  const ofBrokers = brokers.flatMap((broker) => brokerNeed(broker, since));
  const ofShared = sharedNeeds(status, since);
  const here = (status.daemons ?? []).find(({ asked }) => asked)?.name;
  const ofRoutes = routes.map((route) => routeNeeds(route, since, here));
  const needy = ofRoutes.filter(({ length }) => length > 0).length;
  const needs = [
    ...(journal.reason === null ? [] : [{ what: journal.reason, kept: inQueues, cure: seeOperations }]),
    ...(clock ? [clockNeed] : []),
    ...ofBrokers,
    ...ofShared,
    ...ofRoutes.flat(),
    ...newOnes('', journal.unseen_undecodable, 'undecodable notification'),
  ];
  const parts = [
    ...(journal.reason === null ? [] : ['the journal']),
    ...(clock ? ['the clock'] : []),
    ...(ofBrokers.length === 0 ? [] : [`${ofBrokers.length} of ${pluralize(brokers.length, 'broker')}`]),
    ...(ofShared.length === 0 ? [] : ['the shared journal']),
    ...(needy === 0 ? [] : [`${needy} of ${pluralize(routes.length, 'route')}`]),
    ...(journal.unseen_undecodable ? ['what could not be decoded'] : []),
  ];
  const plural = parts.length === 1 && !/^([2-9]|\d\d+) of/.test(parts[0] ?? '') ? 'needs' : 'need';
  const needing = parts.length === 0 ? '' : `${listed(parts)} ${plural} you`;
  const isElsewhere = !running && (status.daemons ?? []).some(({ lives }) => lives);
  if (isElsewhere)
    return {
      verdict: ['the daemon does not run here', needing || 'all is well where others do'].join('; '),
      wellSince: null,
      needs,
    };
  if (!running)
    return {
      verdict: ['no daemon runs', needing].filter(Boolean).join('; '),
      wellSince: null,
      needs: [notRunning, ...needs],
    };
  if (needs.length > 0) return { verdict: needing, wellSince: null, needs };
  return { verdict: 'all is well', wellSince: wellSince(status), needs };
}

/** Says since when, and for how long, of an RFC 3339 time. */
type Since = (time: string) => string;

const inQueues =
  'What was taken before stays in the journal. What KAZOO publishes meanwhile waits in the queues on its brokers, within their limits.';
const clockNeed: Need = {
  what: 'the clock is in doubt',
  kept: 'Nothing is removed for its age meanwhile.',
  cure: 'Look at "date"; if it is right: kazoo-relay accept-clock',
};
const seeOperations = 'Intake or delivery waits until it is mended: docs/operations/runbook.md has each case.';
const notRunning: Need = { what: 'no daemon runs', cure: 'Start it: systemctl start kazoo-relay, or kazoo-relay run' };

function brokerNeed({ zone, broker, state, since, paused, reason, code }: BrokerStatus, sinceWhen: Since): Need[] {
  const name = `${broker} (zone ${zone})`;
  const why = reason === null ? {} : { why: reason };
  if (paused)
    return [
      {
        ...{ what: `nothing is taken from ${name}`, why: reason ?? 'journal not writable', kept: inQueues },
        cure: seeOperations,
      },
    ];
  if (state === 'consuming')
    return reason === null
      ? []
      : [
          {
            what: `${name} has other consumers`,
            ...why,
            kept: 'What they take from the queue does not come here.',
            cure: 'Stop the others; where all of them are meant, set queue.consumers to their number.',
          },
        ];
  const what = state === 'away' ? `${name} is away ${sinceWhen(since)}` : `${name} is not consumed from yet`;
  const hint = code === 'ECONNREFUSED' ? 'Nothing listens there: start RabbitMQ, or correct its url. ' : '';
  const cure = `${hint}The daemon tries again by itself. To look closer: kazoo-relay check --connect`;
  return [{ what, ...why, kept: inItsQueue, cure }];
}

const inItsQueue =
  'What was taken from it is kept and delivered. What KAZOO publishes there meanwhile waits in its queue only if that broker runs.';

/** @param here the name of the daemon that was asked, where several share the journal */
function routeNeeds(route: RouteStatus, sinceWhen: Since, here: string | undefined): Need[] {
  const { name, interrupted, circuit, holder } = route;
  const reload = `${holder && holder !== here ? ` on ${holder}` : ''}: kazoo-relay reload`;
  const needs = [
    ...conditionNeed(route, reload),
    ...refusedNeed(route),
    ...newOnes(name, route.unseen, newKind(route)),
  ];
  if (interrupted !== null)
    return [{ what: `${name} is interrupted`, why: interrupted, kept: waitsInJournal, cure: seeOperations }, ...needs];
  if (circuit === null || circuit.state === 'closed') return needs;
  // A daemon of the version before doesn't say since when.
  const since = circuit.since === undefined ? '' : ` ${sinceWhen(circuit.since)}`;
  const within = circuit.next_probe === null ? '' : ` within ${circuit.next_probe} s`;
  const why = circuit.reason === null ? {} : { why: circuit.reason };
  if (isCapped(circuit.code))
    return [
      { what: `${name} waits${since}`, ...why, kept: waitsInJournal, cure: `It goes on by itself${within}.` },
      ...needs,
    ];
  // Nobody probes for a route that is paused.
  const after = route.paused
    ? `After that: kazoo-relay resume ${name}`
    : `Delivery then goes on by itself${within}, or at once: kazoo-relay waiting retry --route ${name}`;
  const what = `the sink of ${name} ${isRefusal(circuit.code) ? 'refuses everything' : 'is away'}${since}`;
  return [{ what, ...why, kept: waitsInJournal, cure: `${repair(circuit.code, reload)}. ${after}` }, ...needs];
}

const waitsInJournal =
  'Nothing is lost: what comes for it waits in the journal, and is delivered once its sink takes it.';

/** A receiver that is there and takes nothing of ours: it refuses the login, or there is nothing at that address. */
export function isRefusal(code: number | string | null): boolean {
  return code === 401 || code === 403 || code === 404;
}

/** A sink that sends no more for now, as its route's option says. */
export function isCapped(code: number | string | null): boolean {
  return code === 'maxPerHour';
}

/** @param reload where and how the configuration is read again */
function repair(code: number | string | null, reload: string): string {
  if (!isRefusal(code)) return 'Repair it';
  const what = code === 404 ? 'url' : 'auth';
  return `Correct sink.${what} of this route in the configuration, and apply that${reload}`;
}

/** A daemon of the version before doesn't say it. */
function conditionNeed({ name, condition_trouble }: RouteStatus, reload: string): Need[] {
  if (!condition_trouble) return [];
  const { failures, since, reason } = condition_trouble;
  return [
    {
      what: `the condition of ${name} can't be evaluated: the last ${failures} notifications were not delivered`,
      why: reason,
      kept: 'Nothing is lost: they are in the journal (journal.retention, 30d unless set), and can be delivered after all.',
      cure:
        `Correct "where" of this route in the configuration${/no such overload/.test(reason) ? otherTypes : ''}, and apply that` +
        `${reload}. Then deliver what was skipped: kazoo-relay replay --route ${name} --since ${since}`,
    },
  ];
}

const otherTypes = ' (what it compares has two types: convert one, as in double(…))';

/** Nor does a daemon of the version before say which accounts are refused. */
function refusedNeed({ name, refused_accounts }: RouteStatus): Need[] {
  if (!refused_accounts) return [];
  return [
    {
      what: `the sink of ${name} refuses ${pluralize(refused_accounts, 'account')}, and takes what belongs to others`,
      kept: 'Nothing is lost: what belongs to them waits.',
      cure:
        `Why: kazoo-relay waiting list --route ${name} --group. Mend it at the receiver; delivery goes on by itself. ` +
        `At once: kazoo-relay waiting retry --route ${name}`,
    },
  ];
}

/** The kind, if it is certain: new ones of both kinds are not counted separately. */
function newKind({ dead, quarantined }: RouteStatus): string {
  if (quarantined === 0) return 'dead letter';
  return dead === 0 ? 'quarantined notification' : 'dead or quarantined notification';
}

/** A daemon of the version before counts none. */
function newOnes(route: string, unseen: number | null | undefined, what: string): Need[] {
  if (!unseen) return [];
  return [
    {
      what: `${route || 'the journal'} has ${pluralize(unseen, `new ${what}`)}`,
      kept: 'Nothing is lost: the journal keeps them (journal.deadRetention, 90d unless set). None is tried again by itself.',
      cure: `See why, mend that, then retry or drop them: kazoo-relay dead list${route && ` --route ${route}`}`,
      recordsOf: route,
    },
  ];
}

/** The latest of all that had to become so. */
function wellSince({ startedAt, brokers, routes, journal }: Status): number {
  const times = [
    startedAt,
    journal.looked_at,
    ...(brokers ?? []).map(({ since }) => since),
    ...routes.map(({ circuit }) => circuit?.since),
  ];
  return Math.max(...times.map((time) => (time ? Date.parse(time) : 0)));
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
