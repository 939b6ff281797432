import { randomUUID } from 'node:crypto';
import pino from 'pino';
import type { JsonObject } from '../../src/common/json.ts';
import type { Delivery } from '../../src/notification/envelope.ts';
import type { DatabaseSinkOptions } from '../../src/sinks/database/options.ts';
import { databaseSchema, databaseSink } from '../../src/sinks/database/sink.ts';
import type { Outcome, Sink } from '../../src/sinks/sink.ts';
import { deliveryFrom, type EntryParts, entry } from './notification.ts';
import { sinkOptions } from './sink-options.ts';

/** Options as a configuration would give them, with every default. */
export function databaseSinkOptions(options: object): DatabaseSinkOptions {
  // Also such as break a rule.
  return sinkOptions<DatabaseSinkOptions>({ options: databaseSink.options }, options);
}

/** The SQL that makes its table. */
export function tableOf(options: object): readonly string[] {
  return databaseSchema(databaseSinkOptions(options));
}

const opened: Sink[] = [];

/** Opens a sink that `closeSinks` closes. @param logged takes what it logs */
export async function openDatabaseSink(
  options: object,
  logged: string[] = [],
  mayRemoveOld = () => true,
): Promise<Sink> {
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
  const sink = await databaseSink.open(databaseSinkOptions(options), { route: 'test', mayRemoveOld, log });
  opened.push(sink);
  return sink;
}

/** What the sink finds there. */
export function examineDatabase(options: object, context: { maxBodySize?: number } = {}): Promise<string> {
  return databaseSink.connectionTest(databaseSinkOptions(options), {
    ...context,
    route: 'test',
    log: pino({ level: 'silent' }),
  });
}

export async function closeSinks(): Promise<void> {
  for (const sink of opened.splice(0)) await sink.close();
}

/** A delivery with this body, and the parts of its entry. */
export function deliveryOf(data: JsonObject, parts: EntryParts = {}): Delivery {
  return deliveryFrom(entry({ id: randomUUID(), data, json: JSON.stringify(data), ...parts }));
}

export function deliveries(count: number): Delivery[] {
  return Array.from({ length: count }, (_, number) => deliveryOf({ event_name: 'low_balance', number }));
}

export function deliver(sink: Sink, ...batch: Delivery[]): Promise<Outcome[]> {
  return sink.deliver(batch, AbortSignal.timeout(30_000));
}

/** The outcomes' words, in order. */
export async function statuses(outcomes: Promise<Outcome[]>): Promise<string[]> {
  return (await outcomes).map(({ status }) => status);
}
