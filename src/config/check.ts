import convict, { type SchemaObj } from 'convict';
import { reasonOf } from '../errors.ts';
import { nearest } from '../nearest.ts';

/** Options as they nest in the file; each is what convict takes, and has a `default`; where that is null, the option must be given. */
export interface OptionTree {
  readonly [name: string]: OptionTree | SchemaObj<unknown>;
}

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
    if (Object.hasOwn(options, key)) continue;
    mistakes.push({
      path: [...path, key],
      message: `is not an option; ${hint(key, [...others, ...Object.keys(options)])}`,
    });
  }
  return Object.fromEntries(
    Object.entries(options).map(([key, option]) => {
      const here = [...path, key];
      const checked = isLeaf(option)
        ? checkLeaf(section[key], option, here, mistakes)
        : check(section[key], option, here, mistakes);
      return [key, checked];
    }),
  );
}

function hint(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`;
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLeaf(option: OptionTree | SchemaObj<unknown>): option is SchemaObj<unknown> {
  return Object.hasOwn(option, 'default');
}

function checkLeaf(value: unknown, option: SchemaObj<unknown>, path: Path, mistakes: Mistake[]): unknown {
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
function messageOf(error: unknown, option: SchemaObj<unknown>): string {
  const message = reasonOf(error).replace(/^value: /, '');
  return option.sensitive ? message.replace(/: value was .*$/s, '') : message;
}
