import { setTimeout as delay } from 'node:timers/promises';
import type { Channel } from 'amqplib';
import type { Logger } from 'pino';
import type { Heartbeat } from '../common/async/loop.ts';
import { messages } from '../common/messages.ts';
import type { Connection } from './connection.ts';

export interface QueueOptions {
  readonly name: string;
  readonly type: 'classic' | 'quorum';
  /** Messages; the oldest are dropped beyond it. */
  readonly maxLength: number;
  readonly maxLengthBytes: number;
  /** Milliseconds without a consumer after which the broker deletes the queue. */
  readonly expires: number;
  /** How many daemons are meant to consume from it; another consumer takes notifications away. */
  readonly consumers: number;
}

/** The queue exists with other arguments than ours: only an operator can say which are right. */
export class QueueConflict extends Error {
  override readonly name = 'QueueConflict';
}

/** KAZOO's own, which all its notifications go through. */
export const exchange = 'notifications';

/** All of KAZOO's routing keys; its own catch-all, `notifications.*.*`, would miss a key of another length. */
export const bindingKey = 'notifications.#';

/** Between looks for an exchange that we may not declare, in milliseconds. */
const exchangePause = 500;

/**
 * Declares the exchange exactly as KAZOO does: not durable, not auto-delete. An inequivalent one would keep KAZOO off
 * its own bus, which is why nothing here is an option. Without the right to declare it, waits until it is there; one
 * with other properties is used as it is.
 * @param onWait is told why, where it has to wait
 */
export async function ensureExchange(
  connection: Connection,
  signal: AbortSignal,
  {
    log,
    heartbeat,
    onWait,
  }: { readonly log: Logger; readonly heartbeat: Heartbeat; readonly onWait: (reason: string) => void },
): Promise<void> {
  const refusal = await declareExchange(connection);
  if (refusal === undefined) return;
  if (refusal === codes.preconditionFailed) {
    log.warn({ exchange }, messages.foreignExchange);
    return;
  }
  if (await exchangeExists(connection)) return;
  log.info({ exchange }, messages.awaitingExchange);
  onWait(`waits for KAZOO to declare the exchange ${exchange}: this user has no permission`);
  do {
    heartbeat.beat();
    await delay(exchangePause, undefined, { signal });
  } while (!(await exchangeExists(connection)));
}

/**
 * Declares our queue.
 * @throws QueueConflict
 */
export async function ensureQueue(connection: Connection, queue: QueueOptions): Promise<void> {
  try {
    await connection.attempt((channel) =>
      channel.assertQueue(queue.name, declarationOf(queue, connection.serverVersion)),
    );
  } catch (error) {
    if (replyCodeOf(error) !== codes.preconditionFailed) throw error;
    throw new QueueConflict(
      `the queue "${queue.name}" exists with other arguments than the configuration gives it. ` +
        'Delete it when its messages are delivered (rabbitmqctl delete_queue), set queue.* to its arguments, or set another queue.name',
      { cause: error },
    );
  }
}

/** Binds our queue. Repeating it changes nothing, and restores a binding that somebody removed. */
export async function bindQueue(channel: Channel, queue: QueueOptions): Promise<void> {
  await channel.bindQueue(queue.name, exchange, bindingKey);
}

export const codes = { accessRefused: 403, notFound: 404, preconditionFailed: 406 } as const;

/** With which the broker refused, of a login too, where amqplib has it in its message; undefined for any other error. */
export function replyCodeOf(error: unknown): number | undefined {
  if (!Error.isError(error)) return undefined;
  if ('code' in error && typeof error.code === 'number') return error.code;
  const [, code] = /^Handshake terminated by server: (\d{3}) /.exec(error.message) ?? [];
  return code === undefined ? undefined : Number(code);
}

/** Undefined when it stands as declared, else the reply code with which the broker refused. */
export async function declareExchange(connection: Connection): Promise<number | undefined> {
  try {
    await connection.attempt((channel) =>
      channel.assertExchange(exchange, 'topic', { durable: false, autoDelete: false, internal: false }),
    );
    return undefined;
  } catch (error) {
    const code = replyCodeOf(error);
    if (code === codes.accessRefused || code === codes.preconditionFailed) return code;
    throw error;
  }
}

export async function exchangeExists(connection: Connection): Promise<boolean> {
  try {
    await connection.attempt((channel) => channel.checkExchange(exchange));
    return true;
  } catch (error) {
    if (replyCodeOf(error) === codes.notFound) return false;
    throw error;
  }
}

/** Durable, because RabbitMQ 4.3 refuses shared queues that aren't; bounded and expiring, to spare KAZOO's broker. */
function declarationOf(queue: QueueOptions, serverVersion: string) {
  return {
    durable: true,
    arguments: {
      'x-queue-type': queue.type,
      'x-max-length': queue.maxLength,
      'x-max-length-bytes': queue.maxLengthBytes,
      'x-overflow': 'drop-head',
      'x-expires': queue.expires,
      ...(queue.type === 'quorum' && unlimitedDeliveries(serverVersion)),
    },
  };
}

/**
 * From 4.0 on a quorum queue drops a message that came back 20 times, which a daemon that is killed again and again
 * makes happen. Older versions have no such limit, and refuse to hear of none.
 */
function unlimitedDeliveries(serverVersion: string): Record<string, number> {
  return Number.parseInt(serverVersion, 10) >= 4 ? { 'x-delivery-limit': -1 } : {};
}
