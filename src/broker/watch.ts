import { setTimeout as delay } from 'node:timers/promises';
import { unlessAborted } from '../common/async/abort.ts';
import { within } from '../common/async/deadlines.ts';
import type { Pulse } from '../common/async/heartbeat.ts';
import type { Connection } from './connection.ts';
import type { LinkCounts } from './counts.ts';
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

/** Where the watch leaves what it has seen. */
interface Vitals {
  readonly counts: LinkCounts;
  readonly pulse: Pulse;
}

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
  { counts, pulse }: Vitals,
  signal: AbortSignal,
): Promise<never> {
  const channel = await connection.openChannel();
  const answer = <T>(promise: Promise<T>) => unlessAborted(within(options.stalledAfter, 'the broker', promise), signal);
  let moved = movementOf(intake);
  let movedAt = performance.now();
  for (;;) {
    pulse.beat();
    await delay(options.interval, undefined, { signal });
    pulse.beat();
    const { messageCount, consumerCount } = await answer(channel.checkQueue(queue.name));
    // KAZOO or an operator may have deleted the exchange, and the binding with it: only binding again would notice.
    await answer(bindQueue(channel, queue));
    counts.depth = messageCount;
    if (consumerCount === 0) throw new StallError('the broker knows of no consumer on our queue');

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
