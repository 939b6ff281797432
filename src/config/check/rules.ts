import type { OptionIssue, OptionRule } from '../../common/options/declare.ts';
import { isMapping } from '../../common/options/value-checks.ts';
import type { Issue, OptionPath } from '../diagnostics.ts';

/**
 * Returns the violations of rules by options, some of which may have errors of their own: a rule that reads one of
 * those is skipped, because its result may only follow from that error.
 * @param errors the options' own errors
 * @param base the path of the options
 */
export function brokenRules<O extends object>(
  rules: readonly OptionRule<O>[],
  options: O,
  errors: readonly Issue[],
  base: OptionPath,
): OptionIssue[] {
  const wrong = errors
    .flatMap(({ path, suggestion }) => [
      path,
      ...(suggestion === undefined ? [] : [[...path.slice(0, -1), suggestion]]),
    ])
    .filter((path) => base.every((key, index) => path[index] === key))
    .map((path) => path.slice(base.length));
  if (wrong.length === 0) return rules.flatMap((rule) => rule(options));
  return rules.flatMap((rule) => {
    let isMisled = false;
    const watched = watch(options, wrong, () => {
      isMisled = true;
    });
    try {
      const found = rule(watched);
      return isMisled ? [] : found;
    } catch (error) {
      if (isMisled) return [];
      throw error;
    }
  });
}

/** The same options; tells where one is read that is wrong, which has no value. */
function watch<T extends object>(options: T, wrong: readonly OptionPath[], onWrong: () => void): T {
  return new Proxy(options, {
    get(target, key) {
      const below = wrong.filter(([first]) => String(first) === key).map(([, ...rest]) => rest);
      const value: unknown = Reflect.get(target, key);
      if (below.length === 0) return value;
      if (isMapping(value) && below.every(({ length }) => length > 0)) return watch(value, below, onWrong);
      onWrong();
      return value;
    },
  });
}
