import { isDeepStrictEqual } from 'node:util';
import { isMapping } from '../common/options/value-checks.ts';

/** What a reload has done with things that have names: the names. */
export interface Changes {
  readonly added: readonly string[];
  readonly replaced: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
}

/** The difference between the present and the wanted ones, by name. */
export function changesIn(present: ReadonlyMap<string, unknown>, wanted: ReadonlyMap<string, unknown>): Changes {
  const common = [...wanted.keys()].filter((name) => present.has(name));
  const isSame = (name: string) => isDeepStrictEqual(present.get(name), wanted.get(name));
  return {
    added: [...wanted.keys()].filter((name) => !present.has(name)),
    replaced: common.filter((name) => !isSame(name)),
    removed: [...present.keys()].filter((name) => !wanted.has(name)),
    unchanged: common.filter(isSame),
  };
}

/** Dotted names of the options that differ, of all that are no list. */
export function differingOptions(one: unknown, other: unknown, path = ''): string[] {
  if (isDeepStrictEqual(one, other)) return [];
  if (!isMapping(one) || !isMapping(other)) return [path];
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].flatMap((key) => differingOptions(one[key], other[key], path === '' ? key : `${path}.${key}`));
}
