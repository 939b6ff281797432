import { suggestionFor } from '../../common/text/did-you-mean.ts';
import { globToRegExp } from '../../common/text/patterns.ts';
import { events } from '../../kazoo/catalogue.ts';
import type { Expectation } from '../config.ts';
import type { Issue } from '../diagnostics.ts';

/** An event that is counted nowhere would raise an alarm for ever. */
export function expectationErrors(expected: readonly Expectation[]): Issue[] {
  const names = events.flatMap(({ name, aliases }) => [name, ...aliases]);
  return expected.flatMap(({ event }, index) => {
    if (typeof event !== 'string' || names.some((name) => globToRegExp(event).test(name))) return [];
    const message = `is no event of the catalogue${suggestionFor(event, names, '"kazoo-relay events" lists them')}`;
    return [{ path: ['expect', index, 'event'], message, value: JSON.stringify(event) }];
  });
}
