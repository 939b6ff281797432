import pino from 'pino';
import '../../src/config/formats.ts';
import { check, type Mistake } from '../../src/config/check.ts';
import type { Entry } from '../../src/journal/journal.ts';
import { shape } from '../../src/routes/shape.ts';
import type { Delivery, Outcome, Sink } from '../../src/sinks/sink.ts';
import type { WebhookOptions } from '../../src/sinks/webhook/options.ts';
import { webhookSink } from '../../src/sinks/webhook/webhook.ts';
import { entry } from './notification.ts';

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
