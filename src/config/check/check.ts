import convict from 'convict';
import { reasonOf } from '../../common/errors.ts';
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
} from '../../common/options/declare.ts';
import { isMapping } from '../../common/options/value-checks.ts';
import { closestMatch, suggestionFor } from '../../common/text/did-you-mean.ts';
import type { Issue, OptionPath } from '../diagnostics.ts';
import { formatOf, formats, isList } from '../formats.ts';
import { mask } from './secrets.ts';

/**
 * Checks a part of a file against its options, and gives it back with every default in place. What is wrong is added to
 * `errors`, each with its path: the value can be used only if there was none.
 * @param others keys that may stand there too and are checked elsewhere
 */
export function check(
  value: unknown,
  options: OptionTree,
  path: OptionPath,
  errors: Issue[],
  others: readonly string[] = [],
): Record<string, unknown> {
  // A section whose options are all commented out reads as null.
  const section = value === undefined || value === null ? {} : value;
  if (!isMapping(section)) {
    const message = `must be a mapping with the keys ${Object.keys(options).join(', ')}${entrySlip(section, Object.keys(options))}`;
    errors.push({ path, message });
    return {};
  }
  const missing = [...others, ...Object.keys(options)].filter((key) => section[key] === undefined);
  const suggested = new Set<string>();
  for (const key of Object.keys(section)) {
    if (Object.hasOwn(options, key) || others.includes(key)) continue;
    const slip = keySlip(key, [...others, ...Object.keys(options)]);
    if (slip !== undefined) {
      suggested.add(slip.name);
      errors.push({ path: [...path, slip.name], message: slip.message });
      continue;
    }
    // The key that was meant is rather one that isn't there yet.
    const near = closestMatch(key, missing) ?? closestMatch(key, [...others, ...Object.keys(options)]);
    if (near !== undefined) suggested.add(near);
    const message = 'is not an option';
    const all = [...others, ...Object.keys(options)].join(', ');
    const issue = near === undefined ? { message: `${message}; there are ${all}` } : { message, suggestion: near };
    errors.push({ path: [...path, key], ...issue });
  }
  return Object.fromEntries(
    Object.entries(options).map(([key, node]) => {
      const isMisspelt = section[key] === undefined && suggested.has(key);
      return [key, checkNode(section[key], node, [...path, key], isMisspelt ? [] : errors)];
    }),
  );
}

/** The option that was meant by a key with some of its value in it, which may be a secret: `token:…`, `token …`, `-token`. */
function keySlip(key: string, names: readonly string[]): { name: string; message: string } | undefined {
  const [, dash = '', name = '', colon = ''] = /^(-?)([\w-]+?)(?:(:)\S.*| +\S.*)?$/s.exec(key) ?? [];
  if (!names.includes(name)) return undefined;
  if (dash !== '') return { name, message: 'is not an option: the dash of a list needs a space behind it' };
  return {
    name,
    message: colon === '' ? 'has no colon: a key needs one, and a space behind it' : 'needs a space behind its colon',
  };
}

/** What was meant by a text where there should be a mapping: all but the name of an option may be a secret. */
export function entrySlip(text: unknown, names: readonly string[]): string {
  const [, name = ''] = typeof text === 'string' ? (/^([\w-]+):\S/.exec(text) ?? []) : [];
  return names.includes(name) ? `; a key needs a space behind its colon, ${name}: …` : '';
}

function checkNode(value: unknown, node: OptionNode, path: OptionPath, errors: Issue[]): unknown {
  if (isOption(node)) return checkOption(value, node, path, errors);
  if (isOptionList(node)) return checkList(value, node, path, errors);
  if (isOptionMap(node)) return checkMap(value, node, path, errors);
  if (!isOptionalSection(node)) return check(value, node, path, errors);
  return value === undefined ? undefined : check(value, node.optional, path, errors);
}

function checkList(value: unknown, list: OptionList, path: OptionPath, errors: Issue[]): readonly unknown[] {
  if (value === undefined || value === null) return list.default;
  if (Array.isArray(value)) {
    // An option or a tree, and both are nodes.
    return value.map((item, index) => checkNode(item, list.items as OptionNode, [...path, index], errors));
  }
  errors.push({ path, message: 'must be a list' });
  return [];
}

function checkMap(value: unknown, { each }: OptionMap, path: OptionPath, errors: Issue[]): Record<string, unknown> {
  const map = value === undefined || value === null ? {} : value;
  if (!isMapping(map)) {
    errors.push({ path, message: 'must be a mapping of names to values' });
    return {};
  }
  return Object.fromEntries(
    Object.entries(map).map(([key, entry]) => [key, checkNode(entry, each, [...path, key], errors)]),
  );
}

function checkOption(value: unknown, option: Option, path: OptionPath, errors: Issue[]): unknown {
  const add = (message: string) => void errors.push({ path, message, ...maskedValue(value, option) });
  if (value === undefined && option.default === null) errors.push({ path, message: 'is required' });
  if (value === undefined) return option.default;
  if (value === null) errors.push({ path, message: 'has no value' });
  else if (isMapping(value)) {
    const isBraces = Object.keys(value).some((key) => key.startsWith('{'));
    const hint = isBraces ? ': to YAML, {{ begins one; put the value in quotes' : '';
    errors.push({ path, message: `must be ${isList(option) ? 'a list' : 'a single value'}, not a mapping${hint}` });
  } else if (Array.isArray(value) && isList(option) && value.some((item) => typeof item !== 'string')) {
    for (const [index, item] of value.entries()) {
      if (typeof item === 'string') continue;
      const message = item === null ? 'has no value' : bareMessage(item);
      errors.push({ path: [...path, index], message, ...(item !== null && maskedValue(item, option)) });
    }
  } else {
    const refusal = refusalOf(value, option);
    if (refusal !== undefined) add(refusal);
    else return convictOf(value, option).get('value');
  }
  return undefined;
}

/** The error of a value, without the value itself; undefined if it is valid. */
function refusalOf(value: unknown, option: Option): string | undefined {
  const { format } = option;
  if (Array.isArray(format)) return format.includes(value) ? undefined : `must be ${oneOf(value, format, option)}`;
  try {
    formats[formatOf(option) ?? '']?.validateWritten?.(value);
    convictOf(value, option).validate();
    return undefined;
  } catch (error) {
    // convict's message begins with the key and ends with the value.
    const message = reasonOf(error)
      .replace(/^value: /, '')
      .replace(/: value was .*$/s, '');
    const isBare = typeof value === 'number' || typeof value === 'boolean';
    return isBare && /^must be (text$|a list)/.test(message) ? bareMessage(value) : message;
  }
}

/** An id of digits, or with one e among them, is a number unless it stands in quotes. */
function bareMessage(value: unknown): string {
  if (typeof value === 'number') return 'looks like a number to YAML: put it in quotes';
  if (typeof value === 'boolean') return `looks like ${value} to YAML: put it in quotes`;
  return 'must be text';
}

/** One for each option: to make one takes ten times as long as to use it, and each route has all options of routes. */
const convicts = new WeakMap<Option, convict.Config<{ value: unknown }>>();

function convictOf(value: unknown, option: Option): convict.Config<{ value: unknown }> {
  const format = formatOf(option);
  const made =
    convicts.get(option) ??
    // Without arguments of its own it would parse the command line.
    convict({ value: format === undefined ? option : { ...option, format } }, { args: [] });
  convicts.set(option, made);
  return made.load({ value });
}

function oneOf(value: unknown, choices: readonly unknown[], { sensitive }: Option): string {
  const names = choices.map(String);
  return `one of ${names.join(', ')}${sensitive ? '' : suggestionFor(String(value), names)}`;
}

function maskedValue(value: unknown, { sensitive }: Option): { value: string } {
  return { value: JSON.stringify(sensitive ? mask(value) : value) };
}
