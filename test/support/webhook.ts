import pino, { type Logger } from 'pino';
import { MemoryBudget } from '../../src/common/memory-budget.ts';
import { type Route, type RouteOptions, startRoute } from '../../src/delivery/route.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { Entry } from '../../src/notification/entry.ts';
import type { Delivery } from '../../src/notification/envelope.ts';
import { delivered, type Outcome, type Sink } from '../../src/sinks/sink.ts';
import type { WebhookOptions } from '../../src/sinks/webhook/options.ts';
import { webhookSink } from '../../src/sinks/webhook/sink.ts';
import { deliveryFrom, type EntryParts, entry } from './notification.ts';
import { sessionOf } from './sessions.ts';
import { sinkOptions } from './sink-options.ts';

/** Options as a configuration file gives them, with every default in place. */
export function webhookOptions(given: object): WebhookOptions {
  return sinkOptions(webhookSink, given);
}

export interface OpenWebhook extends Sink {
  /** Delivers one notification with these parts. */
  send(parts?: EntryParts): Promise<Outcome | undefined>;
  /** Delivers these as one message. */
  digest(...parts: EntryParts[]): Promise<Outcome>;
  /** What it has logged. */
  readonly logged: string[];
}

export async function openWebhook(given: object): Promise<OpenWebhook> {
  return openOptions(webhookOptions(given));
}

/** @param options with every default in place */
export async function openOptions(options: WebhookOptions): Promise<OpenWebhook> {
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
  const sink = await webhookSink.open(options, { route: 'test', log });
  return {
    deliver: (batch, signal) => sink.deliver(batch, signal),
    async digest(...parts) {
      if (sink.deliverDigest === undefined) throw new Error('the webhook sink delivers digests');
      const outcomes = await sink.deliverDigest(parts.map(deliveryOf), new AbortController().signal);
      return outcomes[0] ?? delivered;
    },
    probe: (delivery, signal) => {
      if (sink.probe === undefined) throw new Error('the webhook sink has a probe');
      return sink.probe(delivery, signal);
    },
    close: () => sink.close(),
    logged,
    async send(parts = {}) {
      const [outcome] = await sink.deliver([deliveryOf(parts)], new AbortController().signal);
      return outcome;
    },
  };
}

/** A route over all that a journal holds, as the relay starts one. */
export async function startWebhookRoute(
  journal: Journal,
  route: Omit<RouteOptions, 'flow'>,
  options: WebhookOptions,
  log: Logger,
): Promise<{ readonly route: Route; close(): Promise<void> }> {
  const session = await sessionOf(journal, route.name, 'earliest');
  const openSink = () => webhookSink.open(options, { route: route.name, log });
  const flow = webhookSink.limits(options);
  const started = await startRoute(
    { ...route, flow },
    {
      ...{ session, events: journal, log, openSink },
      memory: new MemoryBudget(Number.POSITIVE_INFINITY),
    },
  );
  return {
    route: started,
    async close() {
      await started.stop(AbortSignal.timeout(5_000));
      await session.close();
    },
  };
}

export function deliveryOf(parts: EntryParts): Delivery {
  return deliveryFrom(entry(parts));
}

/** Parts of an entry whose body is this. */
export function body(data: Entry['data']): EntryParts {
  return { data, json: JSON.stringify(data) };
}
