import { reasonOf } from '../common/errors.ts';
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
    const held = await journal.summary();
    const accepts = createAcceptance(running.config.validation.accept);
    return { ...held, drift: held.drift.filter(({ event, path }) => !accepts(event, path)) };
  });
  const snapshot: RuntimeSnapshot = {
    brokers: () => pipelines.snapshot,
    routes: () => routes.snapshot,
    summary,
    get journalProblem() {
      return journal.trouble;
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
  const lately = cachedByCost(() => deliveredLately(journal));
  return {
    snapshot,
    forget: summary.forget,
    async status(read) {
      const held = await read().catch(reasonOf);
      // Why it can't be asked is told with the summary.
      const delivered = await lately().catch(() => null);
      const live: Live = {
        startedAt,
        brokers: pipelines.status,
        journalProblem: journal.trouble,
        doubt: journal.clock.doubt,
        activityOf: (name) => routes.activityOf(name),
        http: httpStatus(),
      };
      return statusOf({ ...running.config, file: running.files[0] ?? null }, held, live, delivered);
    },
  };
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
