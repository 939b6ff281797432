import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Backoff, Heartbeat, stuckAfter } from '../common/async/loop.ts';
import { reasonOf } from '../common/errors.ts';
import type { MemoryBudget, MemoryShare } from '../common/memory-budget.ts';
import { messages } from '../common/messages.ts';
import { RateMeter } from '../common/stats.ts';
import { type Appender, JournalError } from '../journal/journal.ts';
import type { BodyLimits } from '../kazoo/body.ts';
import type { Entry } from '../notification/entry.ts';
import type { Notification } from '../notification/notification.ts';
import { examine, type IntakePolicy } from './examine.ts';
import { IntakeCounts } from './intake-counts.ts';
import type { ReceivedMessage } from './receiver.ts';

export interface IntakeOptions extends BodyLimits {
  /** A batch is committed when it holds `max` messages, or `linger` milliseconds after the one before. */
  readonly batch: { readonly max: number; readonly linger: number };
}

export interface IntakeContext {
  readonly appender: Appender;
  /** Bounds the messages that it holds. */
  readonly memory: MemoryBudget;
  readonly log: Logger;
}

/** The connection of these messages. When it is closed, its methods do nothing. */
export interface Source {
  /** Acknowledges everything up to this delivery tag. */
  acknowledge(deliveryTag: number): void;
  /** There is room, where there may have been none. */
  readOn(): void;
}

/** A batch is committed early when its bodies hold this many bytes. */
const maxBatchBytes = 4 * 1024 * 1024;

/** What a message takes in memory beside its body, in bytes. */
const ownBytes = 512;

const firstPause = 100;
const longestPause = 1_000;

/**
 * Takes messages from one connection into the journal: decode, validate, redact, commit, acknowledge. It outlives
 * connections, so that what it holds when one breaks is committed all the same.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #context: IntakeContext;
  #policy: IntakePolicy;
  readonly counts = new IntakeCounts();
  readonly #heartbeat = new Heartbeat();
  #held: Readonly<ReceivedMessage>[] = [];
  #bytes = 0;
  readonly #memory: MemoryShare;
  #source: Source | undefined;
  /** Takes back the flush that is to come; undefined where none is. */
  #cancelFlush: (() => void) | undefined;
  /** When the last commit ended, by the monotonic clock. */
  #committedAt = Number.NEGATIVE_INFINITY;
  #committing: Promise<void> | undefined;
  readonly #abandoned = new AbortController();
  #received = 0;
  readonly #rate = new RateMeter();
  #committed = 0;
  #trouble: string | null = null;

  constructor(options: IntakeOptions, policy: IntakePolicy, context: IntakeContext) {
    this.#options = options;
    this.#policy = policy;
    this.#context = context;
    this.#memory = context.memory.open();
  }

  /** From the next message on. */
  use(policy: IntakePolicy): void {
    this.#policy = policy;
  }

  /** Messages that were taken from the broker, since the start. */
  get received(): number {
    return this.#received;
  }

  /** Messages a second, over the last minute. */
  get perSecond(): number {
    return this.#rate.perSecond;
  }

  /** Messages that are in the journal, since the start; redeliveries count again. */
  get committed(): number {
    return this.#committed;
  }

  /** True while the journal can't be written. */
  get paused(): boolean {
    return this.#trouble !== null;
  }

  /** Why that is. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Bytes that a body may have, unpacked. */
  get maxBodySize(): number {
    return this.#options.maxBodySize;
  }

  /** True where it holds something, and hasn't even tried to commit it for a while. */
  get stuck(): boolean {
    return this.#received > this.#committed && this.#heartbeat.age > stuckAfter;
  }

  /**
   * False while no more should be read from the connection. Where the journal can't be written, that may be for long:
   * then it is read all the same, so that heartbeats are seen, and given up with the first message that is too much.
   */
  get hasRoom(): boolean {
    return this.paused || !this.#memory.isFull;
  }

  /** True when no more may come in until the journal can be written again. */
  get full(): boolean {
    // While it can, all that is held is on its way: even a message that is larger by itself.
    return this.paused && this.#memory.isFull;
  }

  /** Takes a message. All that are held at a time come from the same connection: see `drained`. */
  add(message: Readonly<ReceivedMessage>, source: Source): void {
    if (this.#received === this.#committed) this.#heartbeat.beat();
    this.#held.push(message);
    this.#received += 1;
    this.#rate.count(1);
    this.#source = source;
    this.#bytes += message.body.length;
    this.#memory.take(message.body.length + ownBytes);
    if (this.#isFull) this.#flush();
    else if (this.#committing === undefined) this.#flushSoon();
  }

  /**
   * Resolves when nothing is held any more. A new connection consumes only then, so that memory stays bounded while the
   * journal can't be written, however often the connection breaks.
   */
  async drained(): Promise<void> {
    do {
      this.#flush();
      await this.#committing;
    } while (this.#held.length > 0 && !this.#abandoned.signal.aborted);
  }

  /** Tries no longer to commit what the journal doesn't take: it stays with the broker. */
  abandon(): void {
    this.#abandoned.abort();
  }

  /** Nothing arrives any more; what it still holds is abandoned. */
  close(): void {
    this.abandon();
    this.#memory.close();
  }

  /**
   * After a pause, at once: with all that the connection has read together. Else once the last commit is long enough
   * ago.
   */
  #flushSoon(): void {
    if (this.#cancelFlush !== undefined) return;
    const flush = () => {
      this.#cancelFlush = undefined;
      this.#flush();
    };
    const wait = this.#committedAt + this.#options.batch.linger - performance.now();
    if (wait > 0) {
      const timer = setTimeout(flush, wait);
      this.#cancelFlush = () => clearTimeout(timer);
    } else {
      const immediate = setImmediate(flush);
      this.#cancelFlush = () => clearImmediate(immediate);
    }
  }

  #flush(): void {
    this.#committing ??= this.#commit().finally(() => {
      this.#committing = undefined;
      if (this.#held.length > 0 && !this.#abandoned.signal.aborted) this.#flushSoon();
    });
  }

  get #isFull(): boolean {
    const { max } = this.#options.batch;
    // If there is no room for more, nothing arrives to wait for.
    return this.#held.length >= max || this.#bytes >= maxBatchBytes || this.#memory.isFull;
  }

  /** Commits what is held, and then as long as there is a full batch. */
  async #commit(): Promise<void> {
    for (let isDue = this.#held.length > 0; isDue && !this.#abandoned.signal.aborted; isDue = this.#isFull) {
      this.#cancelFlush?.();
      this.#cancelFlush = undefined;
      const { log } = this.#context;
      const held = this.#held;
      const source = this.#source;
      this.#held = [];
      this.#bytes = 0;
      for (let first = 0; first < held.length; ) {
        if (first > 0) await nextTurn();
        const { notifications, bytes, characters } = examine(held, first, this.#options, this.#policy, log);
        this.#memory.take(characters);
        const fresh = await this.#append(notifications);
        if (fresh === null) return;
        this.#committedAt = performance.now();
        if (fresh.length < notifications.length) this.#tellDropped(notifications, fresh);
        const start = first;
        this.counts.committed(notifications, fresh, (index) => held[start + index]?.timestamp);
        first += notifications.length;
        this.#committed += notifications.length;
        this.#memory.giveBack(bytes + notifications.length * ownBytes + characters);
        source?.acknowledge(held[first - 1]?.deliveryTag ?? 0);
        // There may have been none, here or in all, when it was asked for.
        if (this.hasRoom) source?.readOn();
      }
    }
  }

  /** @param fresh those of the batch that the journal didn't have, in the batch's order */
  #tellDropped(batch: readonly Notification[], fresh: readonly Entry[]): void {
    let next = 0;
    for (const { header } of batch) {
      if (fresh[next]?.header.id === header.id) next += 1;
      else this.#context.log.debug({ id: header.id }, 'dropped a message: the journal has this notification');
    }
  }

  /**
   * Tries until the journal has taken the batch. Returns the entries of what was new to it; null when intake is
   * abandoned meanwhile.
   */
  async #append(notifications: readonly Notification[]): Promise<readonly Entry[] | null> {
    const backoff = new Backoff(firstPause, longestPause);
    for (;;) {
      this.#heartbeat.beat();
      try {
        const fresh = await this.#context.appender.append(notifications);
        this.#recovered();
        return fresh;
      } catch (error) {
        this.#failed(error);
      }
      const abandoned = await backoff.pause(this.#abandoned.signal).then(
        () => false,
        () => true,
      );
      if (abandoned) return null;
    }
  }

  #failed(error: unknown): void {
    const wasPaused = this.paused;
    this.#trouble = reasonOf(error);
    if (wasPaused) return;
    this.#source?.readOn();
    // What the journal says is enough for an operator; anything else is a bug, whose place we want to know.
    const why = error instanceof JournalError ? { reason: error.message } : { err: error };
    this.#context.log.error(why, messages.notWritable);
  }

  #recovered(): void {
    if (!this.paused) return;
    this.#trouble = null;
    this.#context.log.info(messages.writableAgain);
  }
}
