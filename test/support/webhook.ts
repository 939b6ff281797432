import { afterEach } from '@jest/globals';
import pino from 'pino';
import type { Entry } from '../../src/journal/journal.ts';
import { shape } from '../../src/routes/shape.ts';
import type { Delivery, Outcome, Sink } from '../../src/sinks/sink.ts';
import type { WebhookOptions } from '../../src/sinks/webhook/options.ts';
import { webhookSink } from '../../src/sinks/webhook/webhook.ts';
import { entry } from './notification.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { webhookOptions } from './webhook-options.ts';

export { webhookOptions };

export interface OpenWebhook extends Sink {
  /** Delivers one notification with these parts. */
  send(parts?: Partial<Entry>): Promise<Outcome | undefined>;
  /** What it has logged. */
  readonly logged: string[];
}

export async function openWebhook(given: object): Promise<OpenWebhook> {
  return openOptions(webhookOptions(given));
}

/** Opens receivers and sinks for a test file, and closes them after each test, the last one first. */
export function openForTest() {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  return {
    /** Whatever else is to be closed. */
    open,
    async receive(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
      const receiver = await startReceiver(...args);
      open.push(receiver);
      return receiver;
    },
    /** Through no proxy, unless the options name one. */
    async webhook(options: object): Promise<OpenWebhook> {
      const sink = await openWebhook({ proxy: 'none', ...options });
      open.push(sink);
      return sink;
    },
  };
}

/** @param options with every default in place */
export async function openOptions(options: WebhookOptions): Promise<OpenWebhook> {
  const logged: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
  const sink = await webhookSink.open(options, { route: 'test', log });
  return {
    deliver: (batch, signal) => sink.deliver(batch, signal),
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

export function deliveryOf(parts: Partial<Entry>): Delivery {
  return shape(entry(parts), []);
}

/** Parts of an entry whose body is this. */
export function body(data: Entry['data']): Partial<Entry> {
  return { data, json: JSON.stringify(data) };
}
