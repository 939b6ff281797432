import '../../src/config/formats.ts';
import { check } from '../../src/config/check/check.ts';
import type { Mistake } from '../../src/config/diagnostics.ts';
import type { WebhookOptions } from '../../src/sinks/webhook/options.ts';
import { webhookSink } from '../../src/sinks/webhook/sink.ts';

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
