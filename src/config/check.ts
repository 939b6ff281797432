import convict from 'convict';
import { reasonOf } from '../errors.ts';
import { nearest } from '../nearest.ts';
import {
  isOption,
  isOptionalSection,
  isOptionList,
  isOptionMap,
  type Option,
  type OptionList,
  type OptionMap,
  type OptionNode,
  type OptionTree,
} from '../options.ts';

/** Keys, and places in lists, that lead to a value. */
export type Path = readonly (string | number)[];

export interface Mistake {
  readonly path: Path;
  readonly message: string;
}

/**
 * Checks a part of a file against its options, and gives it back with every default in place. What is wrong is added to
 * `mistakes`, each with its path: the value is worth something only if there was none.
 * @param others keys that may stand there too and are checked elsewhere
 */
export function check(
  value: unknown,
  options: OptionTree,
  path: Path,
  mistakes: Mistake[],
  others: readonly string[] = [],
): Record<string, unknown> {
  // A section whose options are all commented out reads as null.
  const section = value === undefined || value === null ? {} : value;
  if (!isMapping(section)) {
    mistakes.push({ path, message: `must be a mapping with the keys ${Object.keys(options).join(', ')}` });
    return {};
  }
  for (const key of Object.keys(section)) {
    if (Object.hasOwn(options, key) || others.includes(key)) continue;
    mistakes.push({
      path: [...path, key],
      message: `is not an option; ${hint(key, [...others, ...Object.keys(options)])}`,
    });
  }
  return Object.fromEntries(
    Object.entries(options).map(([key, node]) => [key, checkNode(section[key], node, [...path, key], mistakes)]),
  );
}

function checkNode(value: unknown, node: OptionNode, path: Path, mistakes: Mistake[]): unknown {
  if (isOption(node)) return checkOption(value, node, path, mistakes);
  if (isOptionList(node)) return checkList(value, node, path, mistakes);
  if (isOptionMap(node)) return checkMap(value, node, path, mistakes);
  if (!isOptionalSection(node)) return check(value, node, path, mistakes);
  return value === undefined ? undefined : check(value, node.optional, path, mistakes);
}

function checkList(value: unknown, list: OptionList, path: Path, mistakes: Mistake[]): readonly unknown[] {
  if (value === undefined || value === null) return list.default;
  if (Array.isArray(value)) {
    return value.map((item, index) => checkOption(item, list.items, [...path, index], mistakes));
  }
  mistakes.push({ path, message: 'must be a list' });
  return [];
}

function checkMap(value: unknown, { each }: OptionMap, path: Path, mistakes: Mistake[]): Record<string, unknown> {
  const map = value === undefined || value === null ? {} : value;
  if (!isMapping(map)) {
    mistakes.push({ path, message: 'must be a mapping of names to values' });
    return {};
  }
  return Object.fromEntries(
    Object.entries(map).map(([key, entry]) => [key, checkNode(entry, each, [...path, key], mistakes)]),
  );
}

function hint(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`;
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkOption(value: unknown, option: Option, path: Path, mistakes: Mistake[]): unknown {
  const add = (message: string) => void mistakes.push({ path, message });
  if (value === undefined && option.default === null) add('is required');
  if (value === undefined) return option.default;
  if (value === null) add('has no value');
  else if (isMapping(value)) add('must be a single value, not a mapping');
  else {
    const checked = convict({ value: option }).load({ value });
    try {
      checked.validate();
    } catch (error) {
      add(messageOf(error, option));
    }
    return checked.get('value');
  }
  return undefined;
}

/** convict's message begins with the key and ends with the value, which may be a secret. */
function messageOf(error: unknown, option: Option): string {
  const message = reasonOf(error).replace(/^value: /, '');
  return option.sensitive ? message.replace(/: value was .*$/s, '') : message;
}
