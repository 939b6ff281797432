import { afterEach } from '@jest/globals';
import pino from 'pino';
import '../../src/config/formats.ts';
import { check, type Mistake } from '../../src/config/check.ts';
import type { Entry } from '../../src/journal/journal.ts';
import { shape } from '../../src/routes/shape.ts';
import type { Delivery, Outcome, Sink } from '../../src/sinks/sink.ts';
import type { WebhookOptions } from '../../src/sinks/webhook/options.ts';
import { webhookSink } from '../../src/sinks/webhook/webhook.ts';
import { entry } from './notification.ts';
import { type Receiver, startReceiver } from './receiver.ts';

/** Options as a configuration file gives them, with every default in place. */
export function webhookOptions(given: object): WebhookOptions {
  const mistakes: Mistake[] = [];
  // What the options describe is what WebhookOptions say, as long as there was no mistake.
  const options = check(given, webhookSink.options, [], mistakes) as unknown as WebhookOptions;
  if (mistakes.length === 0) mistakes.push(...(webhookSink.check?.(options) ?? []));
  if (mistakes.length > 0)
    throw new Error(mistakes.map(({ path, message }) => `${path.join('.')} ${message}`).join('\n'));
  return options;
}

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
