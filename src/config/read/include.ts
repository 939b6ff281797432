import { globSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isMapping, strayTilde } from '../../common/options/value-checks.ts';
import { type Finding, type Mistake, nameOf, type Path, placeText } from '../diagnostics.ts';
import { readSource, type Source } from './source.ts';
import { type Substitution, type Surroundings, substitute } from './substitute.ts';

/** Routes of the main file and of those that it includes, in one mapping. */
export interface Included {
  readonly routes: unknown;
  /** The files that it includes, in their order. */
  readonly sources: readonly Source[];
  /** Where a route comes from, if not from the main file. */
  readonly sourceOf: ReadonlyMap<string, Source>;
  readonly substitutions: readonly Substitution[];
  readonly mistakes: readonly Finding[];
  readonly lacking: readonly Lack[];
  readonly warnings: readonly Finding[];
}

/** A value that could not be had: what it stands for isn't there, or it stands for nothing. */
export interface Lack {
  readonly path: Path;
  readonly finding: Finding;
}

/** @param patterns of files, relative to the folder of the main file */
export function includeRoutes(
  main: Source,
  routes: unknown,
  patterns: readonly string[],
  surroundings: Surroundings,
): Included {
  const mistakes: Finding[] = [];
  const warnings: Finding[] = [];
  const substitutions: Substitution[] = [];
  const lacking: Lack[] = [];
  const sourceOf = new Map<string, Source>();
  const all: Record<string, unknown> = isMapping(routes) ? { ...routes } : {};
  const sources = filesOf(main, patterns, mistakes, warnings).map(readSource);
  for (const source of sources) {
    mistakes.push(...source.mistakes);
    if (source.value === undefined || source.value === null) continue;
    const { value, ...found } = substitute(source.value, [], surroundings);
    substitutions.push(...found.substitutions);
    lacking.push(...found.mistakes.map((mistake) => lackIn(source, mistake)));
    for (const [name, route] of Object.entries(routesIn(value, source, mistakes))) {
      if (Object.hasOwn(all, name)) mistakes.push(twice(name, source, sourceOf.get(name) ?? main));
      else {
        all[name] = route;
        sourceOf.set(name, source);
      }
    }
  }
  // What is no mapping in the main file is told as a mistake there.
  const isMended = sourceOf.size > 0 && (routes === undefined || routes === null || isMapping(routes));
  return { routes: isMended ? all : routes, sources, sourceOf, substitutions, mistakes, lacking, warnings };
}

function filesOf(main: Source, patterns: readonly string[], mistakes: Finding[], warnings: Finding[]): string[] {
  const folder = dirname(main.file);
  const place = main.placeOf(['include']);
  const found = patterns.flatMap((pattern) => {
    // Told as a mistake where everything is checked.
    if (strayTilde.test(pattern)) return [];
    const files = globSync(pattern, { cwd: folder }).sort();
    const finding = {
      ...place,
      option: 'include',
      message: 'matches no file',
      value: JSON.stringify(pattern),
    };
    // A folder for further files may be empty; a file that is named must be there.
    if (files.length === 0) (/[*?[{]/.test(pattern) ? warnings : mistakes).push(finding);
    return files.map((file) => (isAbsolute(file) ? file : join(folder, file)));
  });
  return [...new Set(found)].filter((file) => resolve(file) !== resolve(main.file));
}

function routesIn(value: unknown, source: Source, mistakes: Finding[]): Record<string, unknown> {
  if (!isMapping(value)) {
    mistakes.push({ source: source.file, option: '', message: 'must be a mapping with the one key routes' });
    return {};
  }
  for (const key of Object.keys(value)) {
    if (key === 'routes') continue;
    const message = 'belongs in the main file: an included one holds routes and nothing else';
    mistakes.push({ ...source.placeOf([key]), option: key, message });
  }
  const { routes } = value;
  if (routes === undefined || routes === null) return {};
  if (isMapping(routes)) return routes;
  mistakes.push({ ...source.placeOf(['routes']), option: 'routes', message: 'must be a mapping of names to routes' });
  return {};
}

function twice(name: string, source: Source, other: Source): Finding {
  const path = ['routes', name];
  const message = `is there twice: its other place is ${placeText(other.placeOf(path))}`;
  return { ...source.placeOf(path), option: nameOf(path), message };
}

/** What a file lacks, with the place where the value stands. */
export function lackIn(source: Source, { path, message }: Mistake): Lack {
  const place = source.valuePlaceOf(path) ?? source.placeOf(path);
  return { path, finding: { ...place, option: nameOf(path), message } };
}
