import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { isMapping } from '../common/options/value-checks.ts';
import { type Brokers, checkBrokers, kazooConfigPath } from './check/brokers.ts';
import { check } from './check/check.ts';
import { expectationErrors } from './check/expectations.ts';
import { checkRoutes, type Scope } from './check/routes.ts';
import { journalErrors, journalPlace, sharingErrors, type WrittenJournal } from './check/sharing.ts';
import { configWarnings } from './check/warnings.ts';
import type { Config, RouteConfig } from './config.ts';
import {
  ConfigError,
  type Diagnostic,
  diagnosticLines,
  type Issue,
  type OptionPath,
  optionName,
  PathMap,
  type SourceLocation,
} from './diagnostics.ts';
import { rootOptions } from './options.ts';
import { type MergedSources, mergeSources, type Origin } from './read/merge-sources.ts';
import { type FileDigest, readSource } from './read/source.ts';
import type { Overrides } from './read/variables.ts';

/** A configuration, and its warnings. */
export interface LoadedConfig {
  readonly config: Config;
  /** What is legal, and most likely not meant. */
  readonly warnings: readonly Diagnostic[];
  /** Every file that it was read from: the main one, those that it includes, and KAZOO's own. */
  readonly files: readonly string[];
  /** The operator's own among them, as they were read. */
  readonly read: readonly FileDigest[];
  /** Those of them that others than the operator write, KAZOO's own: a change of one is a reload. */
  readonly watched: readonly string[];
  /** The whole paths of the main file and of those that it includes, as they are there now. */
  filesNow(): string[];
  /** Where the value of an option comes from; undefined where it is the default. */
  originOf(path: OptionPath): Origin | undefined;
}

/** The same, or what is wrong: then there is no configuration. */
export interface CheckedConfig extends Omit<LoadedConfig, 'config'> {
  readonly config: Config | undefined;
  /** What is right of it by itself, whatever is wrong elsewhere. */
  readonly validation: Config['validation'] | undefined;
  readonly errors: readonly Diagnostic[];
}

/**
 * Reads and checks a configuration file, with what the environment and flags say. Relative paths in it belong to the
 * working directory, but for those of `include`.
 * @throws ConfigError
 */
export function loadConfig(file: string, given?: Overrides): Config {
  return readConfig(file, given).config;
}

/** As `loadConfig`, with all that there is to say about it. @throws ConfigError */
export function readConfig(file: string, given?: Overrides, scope?: Scope): LoadedConfig {
  const { config, errors, validation: _, ...rest } = checkConfig(file, given, scope);
  if (config === undefined) throw new ConfigError(errors.flatMap((error) => diagnosticLines(error)).join('\n'));
  return { config, ...rest };
}

/**
 * The parts of a configuration that say where the journal is and what routes select from it: enough for a command that
 * opens no broker and no sink.
 */
export interface PartialConfig extends Pick<Config, 'name' | 'journal' | 'validation'> {
  readonly routes: readonly PartialRouteConfig[];
}

export interface PartialRouteConfig extends Omit<RouteConfig, 'sink'> {
  readonly sink: Pick<RouteConfig['sink'], 'type'>;
}

/**
 * As `loadConfig`, for commands that ask the daemon or look into the journal. What is wrong with the rest is no matter
 * here: the shell of an operator lacks the variables and the secrets that systemd gives to the daemon.
 * @throws ConfigError
 */
export function loadPartialConfig(file: string, env = process.env): PartialConfig {
  return readConfig(file, { env }, 'selections').config;
}

/** What `status` and `reload` need, where no daemon says more: where the journal is, and which routes there are. */
export interface OutlineConfig extends Pick<Config, 'name' | 'journal'> {
  readonly routes: readonly Pick<PartialRouteConfig, 'name' | 'every' | 'sink'>[];
}

/** As `loadPartialConfig`, and what is wrong within routes is no matter either. @throws ConfigError */
export function loadOutlineConfig(file: string, env = process.env): OutlineConfig {
  return readOutlineConfig(file, env).config;
}

/** The same, and which files it would be read from now. @throws ConfigError */
export function readOutlineConfig(
  file: string,
  env = process.env,
): Pick<LoadedConfig, 'filesNow'> & { readonly config: OutlineConfig } {
  return readConfig(file, { env }, 'names');
}

/** All but these, so that a misspelt `journal` is refused as ever. */
const rest: readonly unknown[] = [
  'brokers',
  'queue',
  'intake',
  'expect',
  'http',
  'log',
  'shutdown',
] satisfies readonly (keyof Config)[];

/** Errors of other parts are not reported, and their values may be of another type. */
const isRelevantTo: Readonly<Record<Scope, (path: OptionPath) => boolean>> = {
  all: () => true,
  selections: ([first, , third]) => (first === 'routes' ? third !== 'sink' : !rest.includes(first)),
  names: ([first, , third]) => (first === 'routes' ? third === undefined : !rest.includes(first)),
};

/**
 * As `readConfig`, but returns the errors instead of throwing them.
 * @param scope which parts are used; of less than all there are no warnings
 */
export function checkConfig(
  file: string,
  given: Overrides = { env: process.env },
  scope: Scope = 'all',
): CheckedConfig {
  const isRelevant = isRelevantTo[scope];
  const main = readSource(file);
  if (!isMapping(main.value)) {
    const message = 'must be a mapping with at least the keys brokers and routes';
    const errors = main.errors.length > 0 ? main.errors : [{ source: file, option: '', message }];
    return {
      config: undefined,
      validation: undefined,
      errors,
      warnings: main.warnings,
      files: [file],
      read: [],
      watched: [],
      filesNow: () => [resolve(file)],
      originOf: () => undefined,
    };
  }
  const merged = mergeSources(main, main.value, given);
  const { config, errors, kazoo } = assemble(merged.value, scope);
  const pathOf = (path: OptionPath) => (kazoo === undefined ? path : kazooConfigPath(path));
  const locationOf = (path: OptionPath) => kazoo?.locationOf(path) ?? merged.locationOf(pathOf(path));
  const unresolvedReferences = merged.unresolvedReferences
    .filter(({ path }) => isRelevant(path))
    .map(({ diagnostic }) => diagnostic);
  const wrong = errors.filter(({ path }) => isRelevant(path));
  const found = [
    ...merged.errors,
    ...unresolvedReferences,
    ...diagnosticsOf(wrong, merged, locationOf),
    ...(isRelevant(['brokers']) ? (kazoo?.errors ?? []) : []),
  ];
  // An error that was passed over may have left no value, as any other has.
  const wrongPaths = pathsOf([
    ...errors,
    ...merged.unresolvedReferences,
    ...(kazoo?.errors.length ? [{ path: ['brokers'] }] : []),
  ]);
  const issues = scope === 'all' ? configWarnings(config, merged, (path) => !wrongPaths.touches(path)) : [];
  const warnings = [
    ...merged.warnings,
    ...issues.map((issue) => ({ ...locationOf(issue.path), ...describeIssue(issue) })),
  ];
  const watched = kazoo === undefined ? [] : [kazoo.file];
  const files = [...merged.files, ...watched];
  return {
    config: found.length > 0 ? undefined : config,
    validation: wrongPaths.touches(['validation']) ? undefined : config.validation,
    errors: sorted(found, files),
    warnings: sorted(warnings, files),
    files,
    read: merged.read,
    watched,
    filesNow: merged.filesNow,
    originOf: (path) => kazoo?.locationOf(path) ?? merged.originOf(pathOf(path)),
  };
}

function diagnosticsOf(
  errors: readonly Issue[],
  { unresolvedReferences, originOf }: MergedSources,
  locationOf: (path: OptionPath) => SourceLocation,
) {
  const reported = pathsOf(unresolvedReferences);
  const news = errors.filter(({ path }) => !reported.touches(path));
  return news.map((issue): Diagnostic => {
    const { written, secret } = originOf(issue.path) ?? {};
    const location = locationOf(issue.path);
    const { value, ...diagnostic } = { ...location, ...describeIssue(issue, hintOf(issue, location)) };
    if (value === undefined) return diagnostic;
    if (written === undefined) return { ...diagnostic, value };
    return secret ? { ...diagnostic, from: written } : { ...diagnostic, value, from: written };
  });
}

function pathsOf(all: readonly { readonly path: OptionPath }[]): PathMap<true> {
  const paths = new PathMap<true>();
  for (const { path } of all) paths.set(path, true);
  return paths;
}

function describeIssue(
  { path, message, value, excerpt }: Issue,
  hint = '',
): Pick<Diagnostic, 'option' | 'message' | 'value' | 'excerpt'> {
  return {
    option: optionName(path),
    message: `${message}${hint}`,
    ...(value !== undefined && { value }),
    ...(excerpt !== undefined && { excerpt }),
  };
}

/** In a file, the suggested key would stand at the same place; a flag needs the whole name of the option. */
function hintOf({ path, suggestion }: Issue, { line }: SourceLocation): string {
  if (suggestion === undefined) return '';
  return `; did you mean ${line === undefined ? optionName([...path.slice(0, -1), suggestion]) : suggestion}?`;
}

/** As a reader of the files comes upon them. */
function sorted(diagnostics: readonly Diagnostic[], files: readonly string[]): Diagnostic[] {
  const places = new Map(files.map((file, index) => [file, index]));
  const fileOf = ({ source }: Diagnostic) => places.get(source) ?? files.length;
  return diagnostics.toSorted(
    (one, other) =>
      fileOf(one) - fileOf(other) || (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0),
  );
}

/** A configuration that can be used only if it has no errors. */
interface Assembled {
  readonly config: Config;
  readonly errors: readonly Issue[];
  readonly kazoo: Brokers['kazoo'];
}

function assemble({ brokers, routes, ...rest }: Record<string, unknown>, scope: Scope): Assembled {
  const errors: Issue[] = [];
  const options = check(rest, rootOptions, [], errors, ['brokers', 'routes']);
  const checked = checkBrokers(brokers, errors);
  errors.push(...expectationErrors(options.expect as Config['expect'])); // as rootOptions describe it
  errors.push(...journalErrors(rest.journal));
  const journal = journalPlace(options.journal as WrittenJournal);
  const checkedRoutes = checkRoutes(routes, errors, scope);
  // Whether a sink is on one machine is known only where its options are right.
  if (scope === 'all') {
    const wrong = pathsOf(errors);
    const right = checkedRoutes.filter(({ name }) => !wrong.touches(['routes', name]));
    errors.push(...sharingErrors(right, journal.url !== undefined));
  }
  const config = {
    ...options,
    name: options.name ?? hostname(),
    journal,
    brokers: checked.brokers,
    routes: checkedRoutes,
  } as unknown as Config; // as what the options describe is what Config says, as long as there was no error
  return { config, errors, kazoo: checked.kazoo };
}
