import { within } from '../common/async/deadlines.ts';
import { reasonOf } from '../common/errors.ts';
import { namedIn, routeInJournal } from '../config/journal-place.ts';
import { type Journal, JournalError } from '../journal/journal.ts';
import type { Summary } from '../journal/reader.ts';
import { deliveredLately } from '../ops/delivered-lately.ts';
import type { RuntimeSnapshot } from '../ops/runtime-snapshot.ts';
import { type HttpStatus, type Live, type Status, statusOf } from '../ops/status.ts';
import { createAcceptance } from '../schema/accept.ts';
import type { Running } from './reload.ts';

interface Introspection {
  readonly snapshot: RuntimeSnapshot;
  /** @param summary of the journal: fresh, or one that costs little */
  status(summary: RuntimeSnapshot['summary']): Promise<Status>;
  /** What comes next is read anew. */
  forget(): void;
}

/** The state of a running daemon, for status, metrics and health. */
export function introspect(
  running: Running,
  httpStatus: () => HttpStatus | null,
  overdue: RuntimeSnapshot['overdue'],
): Introspection {
  const { memory, journal, routes, pipelines, log } = running;
  const startedAt = Date.now();
  const summary = cachedByCost(async () => {
    const held = await heldIn(journal);
    const accepts = createAcceptance(running.config.validation.accept);
    return { ...held, drift: held.drift.filter(({ event, path }) => !accepts(event, path)) };
  });
  const snapshot: RuntimeSnapshot = {
    brokers: () => pipelines.snapshot,
    routes: () => routes.snapshot,
    configured: () => running.config.routes.map((route) => routeInJournal(route, running.config)),
    summary,
    get journalProblem() {
      return journal.trouble;
    },
    get degraded() {
      return journal.degraded;
    },
    get maxSize() {
      return running.config.journal.maxSize;
    },
    get maxInvalidBytes() {
      return running.config.journal.maxSize * running.config.journal.invalidShare;
    },
    clock: journal.clock,
    memory,
    maxQueue: running.config.queue.maxLength,
    expected: () => running.config.expect,
    overdue,
    lines: () => log.lines,
  };
  const lately = cachedByCost(() => unlessDegraded(journal, () => deliveredLately(journal)));
  return {
    snapshot,
    forget: summary.forget,
    async status(read) {
      const [held, delivered] = await Promise.all([
        read().catch(reasonOf),
        // Why it can't be asked is told with the summary.
        lately().catch(() => null),
      ]);
      const active = new Map(routes.snapshot.map(({ name, activity }) => [name, activity]));
      const live: Live = {
        startedAt,
        brokers: pipelines.status,
        journalProblem: journal.trouble,
        degraded: journal.degraded,
        doubt: journal.clock.doubt,
        activityOf: (name) => active.get(name),
        http: httpStatus(),
      };
      return statusOf(namedIn(running.config, running.files[0] ?? null, held), held, live, delivered);
    },
  };
}

/** Milliseconds after which the journal is said not to answer: whoever asks for the status waits for five seconds. */
const longest = 3_000;

/** A database that is away isn't asked what it holds: it may be long until it is known that it doesn't answer. */
export async function unlessDegraded<T>(journal: Journal, work: () => Promise<T>): Promise<T> {
  if (journal.degraded !== null) throw new JournalError(journal.degraded.reason);
  return within(longest, 'the journal', work());
}

/** What it holds. @throws JournalError */
export function heldIn(journal: Journal): Promise<Summary> {
  return unlessDegraded(journal, () => journal.summary());
}

/** The work takes at most this part of the time. */
const share = 1 / 20;

/**
 * Limits how much of the time costly work takes: a result is reused until twenty times as long has passed as it took to
 * get it. Calls in the meantime share it. `forget` makes the next call work: somebody wants to see what they have changed.
 */
export function cachedByCost<T>(work: () => Promise<T>): (() => Promise<T>) & { forget(): void } {
  let last: Promise<T> | undefined;
  let freshUntil = 0;
  const get = () => {
    if (last !== undefined && performance.now() < freshUntil) return last;
    const started = performance.now();
    freshUntil = Number.POSITIVE_INFINITY;
    const settled = () => {
      const now = performance.now();
      freshUntil = now + (now - started) / share;
    };
    last = work();
    last.then(settled, settled);
    return last;
  };
  return Object.assign(get, { forget: () => (freshUntil = 0) });
}
