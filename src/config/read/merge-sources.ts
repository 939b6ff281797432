import { resolve } from 'node:path';
import { isMapping } from '../../common/options/value-checks.ts';
import { type Diagnostic, isWithin, type OptionPath, PathMap, type SourceLocation } from '../diagnostics.ts';
import { type Included, includedFiles, includeRoutes, type UnresolvedReference, unresolvedIn } from './include.ts';
import type { FileDigest, Source } from './source.ts';
import { type Substitution, substitute } from './substitute.ts';
import { fromText, nodeAt, setValue, valueAt } from './tree.ts';
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
export interface MergedSources {
  readonly value: Record<string, unknown>;
  readonly errors: readonly Diagnostic[];
  /** Values that could not be had: there is nothing more to say about them. */
  readonly unresolvedReferences: readonly UnresolvedReference[];
  readonly warnings: readonly Diagnostic[];
  readonly files: readonly string[];
  /** The same as they were read. */
  readonly read: readonly FileDigest[];
  /** The whole paths of the main file, and of those that it includes as they are there now. */
  filesNow(): string[];
  /** Where something is said, or the innermost part of its path. */
  locationOf(path: OptionPath): SourceLocation;
  /** The source of an option's value; undefined if it has none. */
  originOf(path: OptionPath): Origin | undefined;
}

export interface Origin extends SourceLocation {
  /** The reference in the file, if the value comes from elsewhere: `${env:PASSWORD}`. */
  readonly written?: string;
  /** True for what came from a file of its own or is a credential. */
  readonly secret?: boolean;
  /** True where others than its owner and group may read the file in which it stands in clear text. */
  readonly isPublic?: boolean;
}

/** @param written what the main file holds */
export function mergeSources(main: Source, written: Record<string, unknown>, given: Overrides): MergedSources {
  const own = substitute(written, [], given);
  const patterns = includePatterns(own.value, given);
  const included = includeRoutes(main, valueAt(own.value, ['routes']), patterns, given);
  const value = withRoutes(own.value, included.routes);
  const substitutions = new PathMap<Substitution>();
  for (const substitution of [...own.substitutions, ...included.substitutions]) {
    substitutions.set(substitution.path, substitution);
    parseSubstituted(value, substitution);
  }
  const variables = variablesFor(value, given.env);
  for (const { path, value: inner } of variables.overrides) setValue(value, path, inner);
  const flags = applyFlags(given.flags ?? [], value);
  const overrides = [...variables.overrides, ...flags.overrides];
  return {
    value,
    errors: [...included.errors, ...variables.errors, ...flags.errors],
    unresolvedReferences: [
      ...own.errors.map((mistake) => unresolvedIn(main, mistake)),
      ...included.unresolvedReferences,
    ],
    warnings: [...main.warnings, ...included.warnings, ...variables.warnings],
    files: [main.file, ...included.sources.map(({ file }) => file)],
    read: [main, ...included.sources].flatMap(({ digest }) => digest ?? []),
    filesNow: () => [main.file, ...includedFiles(main, patterns)].map((one) => resolve(one)),
    locationOf: (path) => overrideFor(path, overrides) ?? sourceFor(path, included, main).locationOf(path),
    originOf: (path) => overrideFor(path, overrides) ?? originIn(sourceFor(path, included, main), path, substitutions),
  };
}

/** Which files to include must be known before all else is put together. */
function includePatterns(value: unknown, { env, flags = [] }: Overrides): readonly string[] {
  const path = ['include'];
  const flag = flags.findLast((candidate) => candidate.path[0] === 'include');
  const text = flag?.text ?? env[variableOf(path)];
  const patterns = text === undefined ? valueAt(value, path) : fromText(text, nodeAt(path, {}));
  // The check reports anything else.
  return [patterns].flat().filter((pattern) => typeof pattern === 'string');
}

function withRoutes(value: unknown, routes: unknown): Record<string, unknown> {
  const mapping = isMapping(value) ? value : {};
  return routes === undefined ? mapping : { ...mapping, routes };
}

/** What came in place of `${…}` is a text, and an option may take a list; but an element of one is no list itself. */
function parseSubstituted(value: Record<string, unknown>, { path }: Substitution): void {
  const text = valueAt(value, path);
  if (typeof text !== 'string' || typeof path.at(-1) === 'number') return;
  setValue(value, path, fromText(text, nodeAt(path, value)));
}

/** In order, because the meaning of a flag may depend on those before it. A flag that sets nothing is an error. */
function applyFlags(
  flags: readonly Flag[],
  value: Record<string, unknown>,
): { overrides: readonly Override[]; errors: readonly Diagnostic[] } {
  const overrides: Override[] = [];
  const errors: Diagnostic[] = [];
  for (const flag of flags) {
    const message = missingFor(flag.path, value);
    if (message !== undefined) {
      errors.push({ source: flag.source, option: '', message });
      continue;
    }
    const override = overrideOf(flag, value);
    setValue(value, override.path, override.value);
    overrides.push(override);
  }
  return { overrides, errors };
}

function overrideFor(path: OptionPath, overrides: readonly Override[]): SourceLocation | undefined {
  const found = overrides.findLast((override) => isWithin(path, override.path));
  return found === undefined ? undefined : { source: found.source };
}

function sourceFor([first, second]: OptionPath, { sourceOf }: Included, main: Source): Source {
  return (first === 'routes' ? sourceOf.get(String(second)) : undefined) ?? main;
}

function originIn(source: Source, path: OptionPath, substitutions: PathMap<Substitution>): Origin | undefined {
  const location = source.valueLocationOf(path);
  if (location === undefined) return undefined;
  const substitution = substitutions.get(path);
  if (substitution === undefined) return { ...location, isPublic: source.isPublic };
  const { written, secret } = substitution;
  return { ...location, written, secret };
}
