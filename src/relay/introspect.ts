import { reasonOf } from '../common/errors.ts';
import { cachedByCost } from '../ops/cached-by-cost.ts';
import type { RuntimeSnapshot } from '../ops/runtime-snapshot.ts';
import { type HttpStatus, type Status, statusOf } from '../ops/status.ts';
import type { Running } from './apply-reload.ts';

interface Introspection {
  readonly snapshot: RuntimeSnapshot;
  /** @param summary of the journal: fresh, or one that costs little */
  status(summary: RuntimeSnapshot['summary']): Promise<Status>;
}

/** What a running daemon tells of itself, to whoever asks. */
export function introspect(running: Running, httpStatus: () => HttpStatus | null): Introspection {
  const { journal, routes, pipelines, log } = running;
  const startedAt = Date.now();
  const snapshot: RuntimeSnapshot = {
    brokers: () => pipelines.snapshot,
    routes: () => routes.snapshot,
    summary: cachedByCost(() => journal.summary()),
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
    maxQueue: running.config.queue.maxLength,
    lines: () => log.lines,
  };
  return {
    snapshot,
    async status(summary) {
      const held = await summary().catch(reasonOf);
      return statusOf(running.config, held, {
        startedAt,
        brokers: pipelines.status,
        journalProblem: journal.trouble,
        doubt: journal.clock.doubt,
        activityOf: (name) => routes.activityOf(name),
        http: httpStatus(),
      });
    },
  };
}
