import { setTimeout as delay } from 'node:timers/promises';
import { unlessAborted, within } from '../waiting.ts';
import type { Connection } from './connection.ts';
import type { Intake } from './intake.ts';
import { bindQueue, type QueueOptions } from './topology.ts';

export interface WatchOptions {
  /** Milliseconds between looks. */
  readonly interval: number;
  /** Milliseconds for which messages may wait while nothing moves. */
  readonly stalledAfter: number;
}

/**
 * The stall watch: looks at our queue from a channel of its own, until the signal aborts. It rejects when the broker knows of no consumer, or when messages wait and nothing has moved for a while
 * though the journal takes them: a consumer that looks alive and gets nothing is the oldest scar of this field.
 */
export async function watch(
  connection: Connection,
  queue: QueueOptions,
  intake: Intake,
  options: WatchOptions,
  signal: AbortSignal,
): Promise<never> {
  const channel = await connection.openChannel();
  const answer = <T>(promise: Promise<T>) => unlessAborted(within(options.stalledAfter, 'the broker', promise), signal);
  let moved = movementOf(intake);
  let movedAt = performance.now();
  for (;;) {
    await delay(options.interval, undefined, { signal });
    const { messageCount, consumerCount } = await answer(channel.checkQueue(queue.name));
    // KAZOO or an operator may have deleted the exchange, and the binding with it: only binding again would notice.
    await answer(bindQueue(channel, queue));
    if (consumerCount === 0) throw new Error('the broker knows of no consumer on our queue');

    const movement = movementOf(intake);
    const held = intake.received - intake.committed;
    const waiting = messageCount + held;
    if (movement !== moved || waiting === 0 || intake.paused) {
      moved = movement;
      movedAt = performance.now();
    } else if (performance.now() - movedAt >= options.stalledAfter) {
      throw new Error(
        `${messageCount} messages wait in our queue and ${held} here, and none has moved for ${options.stalledAfter} ms`,
      );
    }
  }
}

function movementOf(intake: Intake): number {
  return intake.received + intake.committed;
}
