import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Channel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import { unlessAborted } from '../common/async/abort.ts';
import { within } from '../common/async/deadlines.ts';
import { Backoff, Heartbeat, stuckAfter } from '../common/async/loop.ts';
import { codeOf, reasonOf } from '../common/errors.ts';
import { messages } from '../common/messages.ts';
import { mismatch } from '../common/net/amqplib.ts';
import type { TlsFiles } from '../common/net/tls.ts';
import { type Connection, connect } from './connection.ts';
import type { Intake } from './intake.ts';
import { bindQueue, ensureExchange, ensureQueue, QueueConflict, type QueueOptions, replyCodeOf } from './topology.ts';
import { LinkCounts, StallError, type WatchContext, type WatchOptions, watch } from './watch.ts';

export interface Broker {
  readonly zone: string;
  readonly url: string;
  readonly tls?: TlsFiles | undefined;
}

/** What a link is doing just now. */
export interface LinkActivity {
  /** `away`: it has failed, and is tried again. */
  readonly state: 'connecting' | 'consuming' | 'away';
  /** Unix milliseconds. */
  readonly since: number;
  /** The reason why it is away, or what it waits for. */
  readonly reason: string | undefined;
  /** Where it is away: AMQP's reply code, or the system's code. */
  readonly code?: number | string | undefined;
}

export interface LinkOptions {
  readonly queue: QueueOptions;
  /** Messages that the broker may send ahead of their acknowledgement. */
  readonly prefetch: number;
  /** Milliseconds. */
  readonly heartbeat: number;
  /** Milliseconds. */
  readonly connectTimeout: number;
  readonly watch: WatchOptions;
}

/**
 * Between tries to connect, in milliseconds: short, because everything must stand within a second of the broker's
 * return.
 */
const firstPause = 100;
const longestPause = 800;

/** A session that has lasted so long, in milliseconds, was no failed attempt: the next one follows at once when it ends. */
const steadyAfter = 5_000;

/** Between tries while the queue stands there with other arguments, which only an operator can change. */
const conflictPause = 30_000;

/** After a lost connection the broker counts its consumer until it has missed two heartbeats, which takes up to three. */
const missedHeartbeats = 3;

/** How long the broker may take to say goodbye, in milliseconds. */
const closeWithin = 2_000;

/**
 * The link to one broker, for as long as the daemon runs: connects, declares, binds, consumes; and when anything of
 * that ends (the connection, the channel, the consumer, or just the flow of messages) drops it all and starts afresh.
 * There is one way to recover, whatever broke, and so never a second consumer.
 */
export class Link {
  readonly #broker: Broker;
  readonly #options: LinkOptions;
  readonly #intake: Intake;
  readonly #log: Logger;
  readonly #onChange: (activity: LinkActivity) => void;
  readonly #stopping = new AbortController();
  readonly #backoff = new Backoff(firstPause, longestPause);
  readonly counts = new LinkCounts();
  readonly #heartbeat = new Heartbeat();
  readonly #running: Promise<void>;
  #connection: Connection | undefined;
  #activity: LinkActivity = { state: 'connecting', since: Date.now(), reason: undefined };
  /** The last trouble that was logged: a broker that is away is one line, not one a second. */
  #trouble: string | undefined;

  /** @param onChange is told whenever it goes away or comes back, or is away for another reason */
  constructor(
    broker: Broker,
    options: LinkOptions,
    intake: Intake,
    log: Logger,
    onChange: (activity: LinkActivity) => void = () => undefined,
  ) {
    this.#onChange = onChange;
    this.#broker = broker;
    this.#options = options;
    this.#intake = intake;
    this.#log = log;
    this.#running = this.#run();
  }

  get activity(): LinkActivity {
    return this.#activity;
  }

  /** True where its loop hasn't moved for longer than any of its steps may take. */
  get stuck(): boolean {
    const { connectTimeout, watch: watching } = this.#options;
    const longestStep = Math.max(connectTimeout, watching.interval, watching.stalledAfter, conflictPause);
    // While the journal takes nothing, it waits for that.
    return !this.#intake.paused && !this.#stopping.signal.aborted && this.#heartbeat.age > longestStep + stuckAfter;
  }

  /**
   * Stops consuming, commits and acknowledges what has arrived by then, and closes the connection. What isn't in the
   * journal when `deadline` aborts stays with the broker.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    const abandon = () => {
      this.#intake.abandon();
      this.#connection?.fail(new Error('stopped'));
    };
    if (deadline.aborted) abandon();
    deadline.addEventListener('abort', abandon, { once: true });
    this.#stopping.abort();
    await this.#running;
    await this.#intake.drained();
    deadline.removeEventListener('abort', abandon);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#heartbeat.beat();
      try {
        await this.#session();
      } catch (error) {
        if (signal.aborted) break;
        this.#report(error);
        await this.#pauseAfter(error).catch(() => undefined);
      }
    }
  }

  /**
   * One connection, from its opening to its end. Returns when the link is stopped, rejects when the connection fails.
   */
  async #session(): Promise<void> {
    const connection = await this.#connect();
    this.#connection = connection;
    this.#heartbeat.beat();
    try {
      await Promise.race([this.#serve(connection), connection.ended]);
    } finally {
      await connection.close(closeWithin);
    }
  }

  async #connect(): Promise<Connection> {
    const { signal } = this.#stopping;
    const { heartbeat, connectTimeout } = this.#options;
    const connecting = connect({
      url: this.#broker.url,
      tls: this.#broker.tls,
      heartbeat: heartbeat / 1000,
      connectTimeout,
      name: `kazoo-relay on ${hostname()} (zone ${this.#broker.zone})`,
    });
    return unlessAborted(connecting, signal).catch((error) => {
      // Where we are stopped in the middle, the connection may still come about: nobody would own it.
      connecting.then((connection) => connection.fail(new Error('stopped'))).catch(() => undefined);
      throw error;
    });
  }

  /**
   * Everything that a consumer needs, in the order in which the broker needs it; then watches over it until the stop.
   */
  async #serve(connection: Connection): Promise<void> {
    const { signal } = this.#stopping;
    const { queue } = this.#options;
    const onWait = (reason: string) => {
      this.#activity = { state: 'connecting', since: Date.now(), reason };
    };
    await ensureExchange(connection, signal, { log: this.#log, heartbeat: this.#heartbeat, onWait });
    await ensureQueue(connection, queue);
    const channel = await connection.openChannel();
    await bindQueue(channel, queue);
    // What an earlier connection left here must be in the journal first, or a journal that can't be written would make
    // us take the same messages again at each connection.
    await this.#intake.drained();
    const consumerTag = await this.#consume(channel, connection);
    this.#consuming();
    const context: WatchContext = {
      counts: this.counts,
      heartbeat: this.#heartbeat,
      ghostFor: this.counts.sessions > 1 ? missedHeartbeats * this.#options.heartbeat : 0,
      onForeign: (consumers) => this.#foreign(consumers),
    };
    await watch(connection, queue, this.#intake, this.#options.watch, context, signal).catch((error) => {
      if (!signal.aborted) throw error;
    });
    await within(closeWithin, 'the broker', channel.cancel(consumerTag));
    // Here, because what is still held can only be acknowledged on this connection.
    await this.#intake.drained();
  }

  async #consume(channel: Channel, connection: Connection): Promise<string> {
    const intake = this.#intake;
    const source = {
      acknowledge: (deliveryTag: number) => {
        if (connection.alive) channel.ack({ fields: { deliveryTag } } as ConsumeMessage, true); // it looks at nothing else
      },
      readOn: () => connection.readOn(),
    };
    await channel.prefetch(this.#options.prefetch);
    connection.receive({
      zone: this.#broker.zone,
      maxBodySize: intake.maxBodySize,
      get hasRoom() {
        return intake.hasRoom;
      },
      take(message) {
        intake.add(message, source);
        if (intake.full) connection.fail(new Error('too much is held here while the journal is not writable'));
      },
    });
    const { consumerTag } = await channel.consume(this.#options.queue.name, (message) => {
      connection.fail(
        message === null
          ? new Error('the broker cancelled our consumer: the queue was deleted')
          : mismatch('it has read a message by itself'),
      );
    });
    return consumerTag;
  }

  #consuming(): void {
    this.#trouble = undefined;
    this.#activity = { state: 'consuming', since: Date.now(), reason: undefined };
    this.#onChange(this.#activity);
    this.counts.sessions += 1;
    this.#heartbeat.beat();
    this.#log.info(messages.consuming);
  }

  #foreign(consumers: number | undefined): void {
    const { name, consumers: meant } = this.#options.queue;
    if (consumers === undefined) {
      this.#activity = { ...this.#activity, reason: undefined };
      this.#log.info({ queue: name }, messages.noOtherConsumers);
      return;
    }
    const reason =
      `${consumers} consumers share the queue ${name} and queue.consumers is ${meant}: what the others take is not in this journal; ` +
      'stop them (rabbitmqctl list_consumers shows them), or give each system a queue.name of its own';
    this.#activity = { ...this.#activity, reason };
    this.#log.warn({ reason }, messages.otherConsumers);
  }

  #report(error: unknown): void {
    const reason = reasonOf(error);
    if (this.#activity.state === 'consuming' && Date.now() - this.#activity.since > steadyAfter) this.#backoff.reset();
    const since = this.#activity.state === 'away' ? this.#activity.since : Date.now();
    this.#activity = { state: 'away', since, reason, code: replyCodeOf(error) ?? codeOf(error) };
    this.counts.failures += 1;
    this.counts.depth = null;
    if (error instanceof StallError) this.counts.stalls += 1;
    if (reason === this.#trouble) return;
    this.#trouble = reason;
    this.#onChange(this.#activity);
    if (error instanceof QueueConflict) this.#log.error({ reason }, messages.queueConflict);
    else this.#log.warn({ reason }, messages.brokerAway);
  }

  #pauseAfter(error: unknown): Promise<void> {
    const { signal } = this.#stopping;
    return error instanceof QueueConflict ? delay(conflictPause, undefined, { signal }) : this.#backoff.pause(signal);
  }
}
