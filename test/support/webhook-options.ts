import '../../src/config/formats.ts';
import { check } from '../../src/config/check/check.ts';
import { brokenRules } from '../../src/config/check/rules.ts';
import type { Issue } from '../../src/config/diagnostics.ts';
import type { WebhookOptions } from '../../src/sinks/webhook/options.ts';
import { webhookSink } from '../../src/sinks/webhook/sink.ts';

/** Options as a configuration file gives them, with every default in place. */
export function webhookOptions(given: object): WebhookOptions {
  const mistakes: Issue[] = [];
  // What the options describe is what WebhookOptions say, as long as there was no mistake.
  const options = check(given, webhookSink.options, [], mistakes) as unknown as WebhookOptions;
  mistakes.push(...brokenRules(webhookSink.rules ?? [], options, mistakes, []));
  if (mistakes.length > 0)
    throw new Error(mistakes.map(({ path, message }) => `${path.join('.')} ${message}`).join('\n'));
  return options;
}
