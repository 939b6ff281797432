import { Histogram } from '../common/stats.ts';
import { fromAmqpTimestamp } from '../kazoo/time.ts';
import type { Entry } from '../notification/entry.ts';
import type { Notification } from '../notification/notification.ts';

/** The outcomes of a message; each has one of them. */
const outcomes = ['valid', 'invalid', 'undecodable', 'preview', 'resend', 'duplicate'] as const;

/** Seconds. */
const intakeBounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 60];

/** What intake has taken since the start, in plain numbers. */
export class IntakeCounts {
  readonly outcomes = outcomes;
  /** By event, of the catalogue or `unknown`: as many as there are outcomes, in their order. */
  readonly byEvent = new Map<string, Float64Array>();
  /** By event and by keyword, of what was found wrong. */
  readonly problems = new Map<string, Map<string, number>>();
  /** Seconds from a message's arrival to its commit. */
  readonly sinceReceived = new Histogram(intakeBounds);
  /** Seconds from KAZOO's timestamp to the commit: it takes two clocks that agree. */
  readonly sincePublished = new Histogram(intakeBounds);

  /**
   * Counts a batch that was committed just now.
   * @param fresh those of the batch that the journal didn't have, in the batch's order
   * @param timestampOf the AMQP timestamp of the batch's n-th message
   */
  committed(
    batch: readonly Notification[],
    fresh: readonly Entry[],
    timestampOf: (index: number) => number | undefined,
  ): void {
    const now = Date.now();
    let next = 0;
    for (let index = 0; index < batch.length; index += 1) {
      const notification = batch[index];
      if (notification === undefined) break;
      const entry = fresh[next]?.header.id === notification.header.id ? fresh[next] : undefined;
      this.#count(notification, entry);
      if (entry === undefined) continue;
      next += 1;
      this.sinceReceived.add((now - notification.header.receivedAt) / 1_000);
      const published = fromAmqpTimestamp(timestampOf(index));
      if (published !== null) this.sincePublished.add((now - published) / 1_000);
    }
  }

  #count(notification: Notification, entry: Entry | undefined): void {
    const { header } = notification;
    const event = header.known && header.event !== null ? header.event : 'unknown';
    let counts = this.byEvent.get(event);
    if (counts === undefined) {
      counts = new Float64Array(outcomes.length);
      this.byEvent.set(event, counts);
    }
    const outcome = entry === undefined ? 5 : outcomeOf(notification, entry);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (entry !== undefined && notification.problems.length > 0) this.#countProblems(event, notification);
  }

  #countProblems(event: string, { problems }: Notification): void {
    let counts = this.problems.get(event);
    if (counts === undefined) {
      counts = new Map();
      this.problems.set(event, counts);
    }
    for (const { keyword } of problems) counts.set(keyword, (counts.get(keyword) ?? 0) + 1);
  }
}

/** The place among `outcomes`. */
function outcomeOf({ header, state }: Notification, { resendOf }: Entry): number {
  if (state === 'undecodable') return 2;
  if (header.preview) return 3;
  if (state === 'invalid') return 1;
  return resendOf === null ? 0 : 4;
}
