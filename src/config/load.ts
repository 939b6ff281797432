import type { OptionMistake } from '../common/options/declare.ts';
import { isMapping } from '../common/options/value-checks.ts';
import { hintFor } from '../common/text/did-you-mean.ts';
import { routeErrors } from '../routes/validate.ts';
import { sinkDeclarations } from '../sinks/declarations.ts';
import { type Brokers, checkBrokers, kazoosPath } from './check/brokers.ts';
import { check } from './check/check.ts';
import { doubtsAbout } from './check/doubts.ts';
import type { Config, RouteConfig } from './config.ts';
import {
  ConfigError,
  type Finding,
  findingText,
  isWithin,
  type Mistake,
  nameOf,
  type Path,
  type Place,
} from './diagnostics.ts';
import { rootOptions, routeOptions } from './options.ts';
import { type Gathered, gather, type Origin } from './read/gather.ts';
import { readSource } from './read/source.ts';
import { sinkOptionsOf } from './read/tree.ts';
import type { Overrides } from './read/variables.ts';

/** A configuration, and what there is to say about it. */
export interface Loaded {
  readonly config: Config;
  /** What is legal and surely not meant. */
  readonly warnings: readonly Finding[];
  /** Every file that it was read from: the main one, those that it includes, and KAZOO's own. */
  readonly files: readonly string[];
  /** Those of them that others than the operator write, KAZOO's own: a change of one is a reload. */
  readonly watched: readonly string[];
  /** Where the value of an option comes from; undefined where it is the default. */
  originOf(path: Path): Origin | undefined;
}

/** The same, or what is wrong: then there is no configuration. */
export interface Examined extends Omit<Loaded, 'config'> {
  readonly config: Config | undefined;
  readonly mistakes: readonly Finding[];
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
export function readConfig(file: string, given?: Overrides, matters?: (path: Path) => boolean): Loaded {
  const { config, mistakes, ...rest } = examineConfig(file, given, matters);
  if (config === undefined) throw new ConfigError(mistakes.map(findingText).join('\n'));
  return { config, ...rest };
}

/**
 * As `readConfig`, for whoever wants the mistakes as they are.
 * @param matters says which parts are used; of the others no mistake is told, and their values may not be what they say
 */
export function examineConfig(
  file: string,
  given: Overrides = { env: process.env },
  matters: (path: Path) => boolean = () => true,
): Examined {
  const main = readSource(file);
  if (!isMapping(main.value)) {
    const message = 'must be a mapping with at least the keys brokers and routes';
    const mistakes = main.mistakes.length > 0 ? main.mistakes : [{ source: file, option: '', message }];
    return { config: undefined, mistakes, warnings: [], files: [file], watched: [], originOf: () => undefined };
  }
  const gathered = gather(main, main.value, given);
  const { config, mistakes, kazoo } = assemble(gathered.value);
  const pathOf = (path: Path) => (kazoo === undefined ? path : kazoosPath(path));
  const placeOf = (path: Path) => kazoo?.placeOf(path) ?? gathered.placeOf(pathOf(path));
  const lacking = gathered.lacking.filter(({ path }) => matters(path)).map(({ finding }) => finding);
  const wrong = mistakes.filter(({ path }) => matters(path));
  const found = [
    ...gathered.mistakes,
    ...lacking,
    ...findingsOf(wrong, gathered, placeOf),
    ...(matters(['brokers']) ? (kazoo?.mistakes ?? []) : []),
  ];
  // What was let pass may have left no value to doubt, as a mistake has.
  const wrongPaths = [...mistakes, ...gathered.lacking, ...(kazoo?.mistakes.length ? [{ path: ['brokers'] }] : [])];
  const isRight = (path: Path) => !wrongPaths.some((other) => isWithin(other.path, path) || isWithin(path, other.path));
  const doubts = doubtsAbout(config, gathered, isRight);
  const warnings = [...gathered.warnings, ...doubts.map((doubt) => ({ ...placeOf(doubt.path), ...told(doubt) }))];
  const watched = kazoo === undefined ? [] : [kazoo.file];
  const files = [...gathered.files, ...watched];
  return {
    config: found.length > 0 ? undefined : config,
    mistakes: sorted(found, files),
    warnings: sorted(warnings, files),
    files,
    watched,
    originOf: (path) => kazoo?.placeOf(path) ?? gathered.originOf(pathOf(path)),
  };
}

function findingsOf(mistakes: readonly Mistake[], { lacking, originOf }: Gathered, placeOf: (path: Path) => Place) {
  const isTold = (path: Path) => lacking.some((other) => isWithin(other.path, path) || isWithin(path, other.path));
  const news = mistakes.filter(({ path }) => !isTold(path));
  return news.map((mistake): Finding => {
    const { written, secret } = originOf(mistake.path) ?? {};
    const place = placeOf(mistake.path);
    const { value, ...finding } = { ...place, ...told(mistake, hintOf(mistake, place)) };
    if (value === undefined) return finding;
    if (written === undefined) return { ...finding, value };
    return secret ? { ...finding, from: written } : { ...finding, value, from: written };
  });
}

function told({ path, message, value }: Mistake, hint = ''): { option: string; message: string; value?: string } {
  return { option: nameOf(path), message: `${message}${hint}`, ...(value === undefined ? {} : { value }) };
}

/** In a file, what was meant would stand at the same place; a flag has to say it whole. */
function hintOf({ path, meant }: Mistake, { line }: Place): string {
  if (meant === undefined) return '';
  return `; did you mean ${line === undefined ? nameOf([...path.slice(0, -1), meant]) : meant}?`;
}

/** As a reader of the files comes upon them. */
function sorted(findings: readonly Finding[], files: readonly string[]): Finding[] {
  const fileOf = ({ source }: Finding) => (files.includes(source) ? files.indexOf(source) : files.length);
  return findings.toSorted(
    (one, other) =>
      fileOf(one) - fileOf(other) || (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0),
  );
}

/** What was put together, which is worth something only if there was no mistake. */
interface Assembled {
  readonly config: Config;
  readonly mistakes: readonly Mistake[];
  readonly kazoo: Brokers['kazoo'];
}

function assemble({ brokers, routes, ...rest }: Record<string, unknown>): Assembled {
  const mistakes: Mistake[] = [];
  const options = check(rest, rootOptions, [], mistakes, ['brokers', 'routes']);
  const checked = checkBrokers(brokers, mistakes);
  const config = {
    ...options,
    brokers: checked.brokers,
    routes: checkRoutes(routes, mistakes),
  } as unknown as Config; // as what the options describe is what Config says, as long as there was no mistake
  return { config, mistakes, kazoo: checked.kazoo };
}

/** What a route may be called. */
export const routeName = /^[a-z0-9][a-z0-9_-]{0,62}$/;

function checkRoutes(routes: unknown, mistakes: Mistake[]): RouteConfig[] {
  if (!isMapping(routes) || Object.keys(routes).length === 0) {
    mistakes.push({ path: ['routes'], message: 'must be a mapping of at least one name to a route, each with a sink' });
    return [];
  }
  return Object.entries(routes).map(([name, route]) => {
    const path = ['routes', name];
    if (!routeName.test(name)) {
      mistakes.push({ path, message: 'must have a name of lower case letters, digits, - and _, 63 at most' });
    }
    if (!isMapping(route)) mistakes.push({ path, message: 'must be a mapping with at least a sink' });
    const { sink, ...rest } = isMapping(route) ? route : { sink: undefined };
    const strays = straysOf(rest, sink);
    mistakes.push(
      ...strays.map((key) => ({ path: [...path, key], message: 'is an option of the sink: it belongs below sink' })),
    );
    const before = mistakes.length;
    // As above: routeOptions describe a RouteConfig without its name and sink.
    const checked = check(rest, routeOptions, path, mistakes, ['sink', ...strays]) as unknown as Omit<
      RouteConfig,
      'name' | 'sink' | 'start'
    > & { readonly start: string };
    const isRight = mistakes.length === before;
    const checkedSink = checkSink(sink, [...path, 'sink'], isMapping(route) ? mistakes : []);
    // What its sink needs can be told only where nothing is wrong by itself.
    const kind =
      mistakes.length === before ? sinkDeclarations.find(({ type }) => type === checkedSink.type) : undefined;
    if (isRight) mistakes.push(...under(path, routeErrors(checked, kind?.requiredKeys?.(checkedSink.options) ?? [])));
    return { ...checked, name, start: startOf(checked.start), sink: checkedSink };
  });
}

/** Options of the sink that stand on its route. */
function straysOf(route: Record<string, unknown>, sink: unknown): string[] {
  const options = sinkOptionsOf({ sink });
  return Object.keys(route).filter((key) => Object.hasOwn(options, key) && !Object.hasOwn(routeOptions, key));
}

/** A time as Unix milliseconds. */
function startOf(start: string): RouteConfig['start'] {
  return start === 'now' || start === 'earliest' ? start : Date.parse(start);
}

function checkSink(sink: unknown, path: Path, mistakes: Mistake[]): RouteConfig['sink'] {
  const types = sinkDeclarations.map(({ type }) => type).join(', ');
  const { type, ...options } = isMapping(sink) ? sink : { type: undefined };
  const kind = sinkDeclarations.find((candidate) => candidate.type === type);
  if (kind === undefined) {
    if (type === undefined) mistakes.push({ path, message: `must be a mapping with a type: ${types}` });
    else {
      const hint = hintFor(
        String(type),
        sinkDeclarations.map((candidate) => candidate.type),
      );
      mistakes.push({
        path: [...path, 'type'],
        message: `must be one of ${types}${hint}`,
        value: JSON.stringify(type),
      });
    }
    return { type: '', options: {} };
  }
  const found: Mistake[] = [];
  const strays = Object.keys(options).filter(
    (key) => Object.hasOwn(routeOptions, key) && !Object.hasOwn(kind.options, key),
  );
  found.push(
    ...strays.map((key) => ({ path: [...path, key], message: 'is an option of the route: it belongs beside sink' })),
  );
  const checked = check(options, kind.options, path, found, ['type', ...strays]);
  // How options go together can be judged only where each is right by itself.
  if (found.length === 0) found.push(...under(path, kind.check?.(checked) ?? []));
  mistakes.push(...found);
  return { type: kind.type, options: checked };
}

function under(path: Path, mistakes: readonly OptionMistake[]): Mistake[] {
  return mistakes.map((mistake) => ({ ...mistake, path: [...path, ...mistake.path] }));
}
