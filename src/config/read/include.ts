import { globSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isMapping, leadingTilde } from '../../common/options/value-checks.ts';
import { type Diagnostic, type Issue, locationText, type OptionPath, optionName } from '../diagnostics.ts';
import { readSource, type Source } from './source.ts';
import { type Environment, type Substitution, substitute } from './substitute.ts';

/** Routes of the main file and of those that it includes, in one mapping. */
export interface Included {
  readonly routes: unknown;
  /** The files that it includes, in their order. */
  readonly sources: readonly Source[];
  /** Where a route comes from, if not from the main file. */
  readonly sourceOf: ReadonlyMap<string, Source>;
  readonly substitutions: readonly Substitution[];
  readonly errors: readonly Diagnostic[];
  readonly unresolvedReferences: readonly UnresolvedReference[];
  readonly warnings: readonly Diagnostic[];
}

/** A value that could not be resolved: its source is missing, or the reference names none. */
export interface UnresolvedReference {
  readonly path: OptionPath;
  readonly diagnostic: Diagnostic;
}

/** @param patterns of files, relative to the folder of the main file */
export function includeRoutes(
  main: Source,
  routes: unknown,
  patterns: readonly string[],
  environment: Environment,
): Included {
  const errors: Diagnostic[] = [];
  const warnings: Diagnostic[] = [];
  const substitutions: Substitution[] = [];
  const unresolvedReferences: UnresolvedReference[] = [];
  const sourceOf = new Map<string, Source>();
  const all: Record<string, unknown> = isMapping(routes) ? { ...routes } : {};
  const sources = includedFiles(main, patterns, errors, warnings).map(readSource);
  for (const source of sources) {
    errors.push(...source.errors);
    warnings.push(...source.warnings);
    if (source.value === undefined || source.value === null) continue;
    const { value, ...found } = substitute(source.value, [], environment);
    substitutions.push(...found.substitutions);
    unresolvedReferences.push(...found.errors.map((mistake) => unresolvedIn(source, mistake)));
    for (const [name, route] of Object.entries(routesIn(value, source, errors))) {
      if (Object.hasOwn(all, name)) errors.push(duplicateRoute(name, source, sourceOf.get(name) ?? main));
      else {
        all[name] = route;
        sourceOf.set(name, source);
      }
    }
  }
  // What is no mapping in the main file is reported where everything is checked.
  const isMended = sourceOf.size > 0 && (routes === undefined || routes === null || isMapping(routes));
  return { routes: isMended ? all : routes, sources, sourceOf, substitutions, errors, unresolvedReferences, warnings };
}

/** Those that the patterns match now. */
export function includedFiles(
  main: Source,
  patterns: readonly string[],
  errors: Diagnostic[] = [],
  warnings: Diagnostic[] = [],
): string[] {
  const folder = dirname(main.file);
  const location = main.locationOf(['include']);
  const found = patterns.flatMap((pattern) => {
    // Reported where everything is checked.
    if (leadingTilde.test(pattern)) return [];
    const files = globSync(pattern, { cwd: folder }).sort();
    const diagnostic = {
      ...location,
      option: 'include',
      message: 'matches no file',
      value: JSON.stringify(pattern),
    };
    // A folder for further files may be empty; a file that is named must be there.
    if (files.length === 0) (/[*?[{]/.test(pattern) ? warnings : errors).push(diagnostic);
    return files.map((file) => (isAbsolute(file) ? file : join(folder, file)));
  });
  return [...new Set(found)].filter((file) => resolve(file) !== resolve(main.file));
}

function routesIn(value: unknown, source: Source, errors: Diagnostic[]): Record<string, unknown> {
  if (!isMapping(value)) {
    errors.push({ source: source.file, option: '', message: 'must be a mapping with the one key routes' });
    return {};
  }
  for (const key of Object.keys(value)) {
    if (key === 'routes') continue;
    const message = 'belongs in the main file: an included one holds routes and nothing else';
    errors.push({ ...source.locationOf([key]), option: key, message });
  }
  const { routes } = value;
  if (routes === undefined || routes === null) return {};
  if (isMapping(routes)) return routes;
  errors.push({ ...source.locationOf(['routes']), option: 'routes', message: 'must be a mapping of names to routes' });
  return {};
}

function duplicateRoute(name: string, source: Source, other: Source): Diagnostic {
  const path = ['routes', name];
  const message = `is there twice: its other place is ${locationText(other.locationOf(path))}`;
  return { ...source.locationOf(path), option: optionName(path), message };
}

/** A reference that stands for nothing, with the location of its value. */
export function unresolvedIn(source: Source, { path, message }: Issue): UnresolvedReference {
  const location = source.valueLocationOf(path) ?? source.locationOf(path);
  return { path, diagnostic: { ...location, option: optionName(path), message } };
}
