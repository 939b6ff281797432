import '../../src/config/formats.ts';
import { check } from '../../src/config/check/check.ts';
import { brokenRules } from '../../src/config/check/rules.ts';
import type { Issue } from '../../src/config/diagnostics.ts';
import type { SinkDeclaration } from '../../src/sinks/sink.ts';

/** Options of a kind of sink as a configuration file gives them, with every default in place. */
export function sinkOptions<O extends object>(kind: Pick<SinkDeclaration<O>, 'options' | 'rules'>, given: object): O {
  const mistakes: Issue[] = [];
  // What the options describe is what `O` says, as long as there was no mistake.
  const options = check(given, kind.options, [], mistakes) as unknown as O;
  mistakes.push(...brokenRules(kind.rules ?? [], options, mistakes, []));
  if (mistakes.length > 0)
    throw new Error(mistakes.map(({ path, message }) => `${path.join('.')} ${message}`).join('\n'));
  return options;
}
