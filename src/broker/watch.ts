import { setTimeout as delay } from 'node:timers/promises';
import { unlessAborted } from '../common/async/abort.ts';
import { within } from '../common/async/deadlines.ts';
import type { Heartbeat } from '../common/async/loop.ts';
import type { Connection } from './connection.ts';
import type { Intake } from './intake.ts';
import { bindQueue, type QueueOptions } from './topology.ts';

export interface WatchOptions {
  /** Milliseconds between looks. */
  readonly interval: number;
  /** Milliseconds for which messages may wait while nothing moves. */
  readonly stalledAfter: number;
}

/** Messages wait, and none moves, on a connection that looks alive. */
export class StallError extends Error {
  override readonly name = 'StallError';
}

/** What a link has been through since the start. */
export class LinkCounts {
  /** How often it has begun to consume. */
  sessions = 0;
  /** How often a session, or an attempt at one, has failed. */
  failures = 0;
  /** How often the stall watch has ended a session. */
  stalls = 0;
  /** Messages that were ready in our queue when the stall watch last looked; null while nobody looks. */
  depth: number | null = null;
}

/** The counts and callbacks of the watch. */
export interface WatchContext {
  readonly counts: LinkCounts;
  readonly heartbeat: Heartbeat;
  /** Milliseconds from the start for which the broker may still count our own last consumer. */
  readonly ghostFor: number;
  /** Told once that more consume from our queue than should; and, with undefined, once that is over. */
  readonly onForeign: (consumers: number | undefined) => void;
}

/** So many looks in a row must find a foreign consumer: another daemon may be taking over in this moment. */
const looksInARow = 2;

/**
 * The stall watch: looks at our queue from a channel of its own, until the signal aborts. It rejects when the broker
 * knows of no consumer, or when messages wait and nothing has moved for a while though the journal takes them: a
 * consumer that looks alive and gets nothing is the oldest scar of this field.
 */
export async function watch(
  connection: Connection,
  queue: QueueOptions,
  intake: Intake,
  options: WatchOptions,
  { counts, heartbeat, ghostFor, onForeign }: WatchContext,
  signal: AbortSignal,
): Promise<never> {
  const channel = await connection.openChannel();
  const answer = <T>(promise: Promise<T>) => unlessAborted(within(options.stalledAfter, 'the broker', promise), signal);
  let moved = movementOf(intake);
  let movedAt = performance.now();
  const judgedFrom = performance.now() + ghostFor;
  let foreignLooks = 0;
  for (;;) {
    heartbeat.beat();
    await delay(options.interval, undefined, { signal });
    heartbeat.beat();
    const { messageCount, consumerCount } = await answer(channel.checkQueue(queue.name));
    // KAZOO or an operator may have deleted the exchange, and the binding with it: only binding again would notice.
    await answer(bindQueue(channel, queue));
    counts.depth = messageCount;
    if (consumerCount === 0) throw new StallError('the broker knows of no consumer on our queue');

    const isForeign = consumerCount > queue.consumers && performance.now() >= judgedFrom;
    if (!isForeign && foreignLooks >= looksInARow) onForeign(undefined);
    foreignLooks = isForeign ? foreignLooks + 1 : 0;
    if (foreignLooks === looksInARow) onForeign(consumerCount);

    const movement = movementOf(intake);
    const held = intake.received - intake.committed;
    const waiting = messageCount + held;
    if (movement !== moved || waiting === 0 || intake.paused) {
      moved = movement;
      movedAt = performance.now();
    } else if (performance.now() - movedAt >= options.stalledAfter) {
      throw new StallError(
        `${messageCount} messages wait in our queue and ${held} here, and none has moved for ${options.stalledAfter} ms`,
      );
    }
  }
}

function movementOf(intake: Intake): number {
  return intake.received + intake.committed;
}
