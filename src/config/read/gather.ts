import { isMapping } from '../../common/options/value-checks.ts';
import { type Finding, isWithin, type Path, type Place } from '../diagnostics.ts';
import { type Included, includeRoutes, type Lack, lackIn } from './include.ts';
import type { Source } from './source.ts';
import { type Substitution, substitute } from './substitute.ts';
import { fromText, nodeAt, valueAt, withValue } from './tree.ts';
import {
  type Flag,
  missingFor,
  type Override,
  type Overrides,
  overrideOf,
  variableOf,
  variablesFor,
} from './variables.ts';

/** Everything that is said, in files, the environment and flags, as one value that is still to be checked. */
export interface Gathered {
  readonly value: Record<string, unknown>;
  readonly mistakes: readonly Finding[];
  /** Values that could not be had: there is nothing more to say about them. */
  readonly lacking: readonly Lack[];
  readonly warnings: readonly Finding[];
  readonly files: readonly string[];
  /** Where something is said, or the innermost part of its path. */
  placeOf(path: Path): Place;
  /** Where the value of an option comes from; undefined where nothing says it. */
  originOf(path: Path): Origin | undefined;
}

export interface Origin extends Place {
  /** What stands there, where it stands for something else: `${env:PASSWORD}`. */
  readonly written?: string;
  /** True for what came from a file of its own or is a credential. */
  readonly secret?: boolean;
  /** True where others than its owner and group may read the file in which it stands in clear text. */
  readonly isPublic?: boolean;
}

/** @param written what the main file holds */
export function gather(main: Source, written: Record<string, unknown>, given: Overrides): Gathered {
  const own = substitute(written, [], given);
  const included = includeRoutes(main, valueAt(own.value, ['routes']), patternsIn(own.value, given), given);
  const substitutions = [...own.substitutions, ...included.substitutions];
  const files = withRoutes(own.value, included.routes);
  const whole: Whole = { value: substitutions.reduce(withMeaning, files), overrides: [] };
  const variables = variablesFor(whole.value, given.env);
  for (const override of variables.overrides) apply(override, whole);
  const pointless = applyFlags(given.flags ?? [], whole);

  const { overrides, value } = whole;
  return {
    value,
    mistakes: [...included.mistakes, ...variables.mistakes, ...pointless],
    lacking: [...own.mistakes.map((mistake) => lackIn(main, mistake)), ...included.lacking],
    warnings: [...included.warnings, ...variables.warnings],
    files: [main.file, ...included.sources.map(({ file }) => file)],
    placeOf: (path) => lastFor(path, overrides) ?? sourceFor(path, included, main).placeOf(path),
    originOf: (path) => lastFor(path, overrides) ?? originIn(sourceFor(path, included, main), path, substitutions),
  };
}

/** Which files to include must be known before all else is put together. */
function patternsIn(value: unknown, { env, flags = [] }: Overrides): readonly string[] {
  const path = ['include'];
  const flag = flags.findLast((candidate) => candidate.path[0] === 'include');
  const text = flag?.text ?? env[variableOf(path)];
  const patterns = text === undefined ? valueAt(value, path) : fromText(text, nodeAt(path, {}));
  // What is neither is told as a mistake where everything is checked.
  return [patterns].flat().filter((pattern) => typeof pattern === 'string');
}

function withRoutes(value: unknown, routes: unknown): Record<string, unknown> {
  const mapping = isMapping(value) ? value : {};
  return routes === undefined ? mapping : { ...mapping, routes };
}

/** What came in place of `${…}` is a text, and an option may take a list. */
function withMeaning(value: Record<string, unknown>, { path }: Substitution): Record<string, unknown> {
  const text = valueAt(value, path);
  return typeof text === 'string' ? withValue(value, path, fromText(text, nodeAt(path, value))) : value;
}

/** What is said so far, and what of it isn't from the files. */
interface Whole {
  value: Record<string, unknown>;
  readonly overrides: Override[];
}

/** One after the other: what a flag means may depend on the one before it. What sets nothing is a mistake. */
function applyFlags(flags: readonly Flag[], whole: Whole): Finding[] {
  return flags.flatMap((flag) => {
    const message = missingFor(flag.path, whole.value);
    if (message !== undefined) return [{ source: flag.source, option: '', message }];
    apply(overrideOf(flag, whole.value), whole);
    return [];
  });
}

function apply(override: Override, whole: Whole): void {
  whole.value = withValue(whole.value, override.path, override.value);
  whole.overrides.push(override);
}

function lastFor(path: Path, overrides: readonly Override[]): Place | undefined {
  const found = overrides.findLast((override) => isWithin(path, override.path));
  return found === undefined ? undefined : { source: found.source };
}

function sourceFor([first, second]: Path, { sourceOf }: Included, main: Source): Source {
  return (first === 'routes' ? sourceOf.get(String(second)) : undefined) ?? main;
}

function originIn(source: Source, path: Path, substitutions: readonly Substitution[]): Origin | undefined {
  const place = source.valuePlaceOf(path);
  if (place === undefined) return undefined;
  const substitution = substitutions.find((candidate) => isWithin(path, candidate.path));
  if (substitution === undefined) return { ...place, isPublic: source.isPublic };
  const { written, secret } = substitution;
  return { ...place, written, secret };
}
