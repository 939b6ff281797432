import { digestReason } from '../journal/route-session.ts';
import { mostInDigest, type Sink, type SinkLimits, SinkUnavailable } from '../sinks/sink.ts';
import type { PendingDelivery } from './pending-delivery.ts';
import { UnorderedQueue, type Wait } from './queue.ts';

/** How often one message tells of what has come meanwhile, and of whose. */
export interface DigestOptions {
  /** Milliseconds. */
  readonly every: number;
  readonly per: 'account' | 'route';
}

/** Milliseconds behind the end of a period: what came in its last moment is in the journal by then. */
const grace = 1_000;

/** A digest is one delivery to the sink, which has its bound: how many may be on their way is the sink's affair as ever. */
export function digestFlow({ concurrency }: SinkLimits): SinkLimits {
  return { batch: { max: mostInDigest, linger: 0 }, concurrency };
}

/** The same sink, for which a batch is one message. */
export function digesting(sink: Sink): Sink {
  return {
    async deliver(batch, signal) {
      // The configuration's check has refused such a sink.
      if (sink.deliverDigest === undefined)
        throw new SinkUnavailable('it delivers each notification by itself: remove digest');
      return sink.deliverDigest(batch, signal);
    },
    close: () => sink.close(),
  };
}

/**
 * What is new waits in the journal until its period is over, by the clock in UTC: another daemon and a later start come to
 * the same time. What is due goes out with all others of its account, or of the route.
 */
export class DigestQueue extends UnorderedQueue {
  readonly #options: DigestOptions;
  /** By account, in the order in which they go out; what has none has an empty one. */
  readonly #groups = new Map<string, PendingDelivery[]>();
  #ready = 0;

  constructor(options: DigestOptions) {
    super();
    this.#options = options;
  }

  get ready(): number {
    return this.#ready;
  }

  add(delivery: PendingDelivery): Wait | undefined {
    if (!delivery.recorded) return this.#waitOf(delivery);
    this.#put(delivery);
    return undefined;
  }

  /** One group, also where fewer are asked for: a digest is one delivery, of any size. */
  take(): PendingDelivery[] {
    const [first] = this.#groups;
    if (first === undefined) return [];
    const [key, deliveries] = first;
    const taken = deliveries.splice(0, mostInDigest);
    if (deliveries.length === 0) this.#groups.delete(key);
    this.#ready -= taken.length;
    return taken;
  }

  #waitOf({ entry }: PendingDelivery): Wait {
    const { every } = this.#options;
    const end = (Math.floor(entry.header.receivedAt / every) + 1) * every;
    const time = new Date(end).toISOString().slice(11, 16);
    return { reason: `${digestReason}${time} UTC`, dueAt: end + grace };
  }

  protected all(): PendingDelivery[] {
    return [...this.#groups.values()].flat();
  }

  protected hold(deliveries: PendingDelivery[]): void {
    this.#groups.clear();
    this.#ready = 0;
    for (const delivery of deliveries) this.#put(delivery);
  }

  #put(delivery: PendingDelivery): void {
    const { accountId } = delivery.entry.header;
    const key = this.#options.per === 'account' ? (accountId ?? '') : '';
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, [delivery]);
    else group.push(delivery);
    this.#ready += 1;
  }
}
