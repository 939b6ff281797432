import { isUtf8 } from 'node:buffer';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { type Document, isCollection, isMap, isScalar, LineCounter, parseDocument, type YAMLParseError } from 'yaml';
import { reasonOf } from '../errors.ts';
import { sinkKinds } from '../sinks/registry.ts';
import type { OptionMistake } from '../sinks/sink.ts';
import { tlsMistakes } from './broker-tls.ts';
import { check, isMapping, type Mistake, type Path } from './check.ts';
import type { BrokerConfig, Config, RouteConfig } from './config.ts';
import { brokerOptions, rootOptions, routeOptions } from './options.ts';

/** A configuration that can't be used; the message lists every mistake with its place. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Where a configuration is looked for, in this order, when none is named. */
const places = ['/etc/kazoo-relay/kazoo-relay.yaml', 'config/kazoo-relay.yaml'];

/**
 * The configuration file to use: the one that is named, else that of KAZOO_RELAY_CONFIG, else the first that exists of
 * /etc/kazoo-relay/kazoo-relay.yaml and config/kazoo-relay.yaml.
 * @throws ConfigError when there is none
 */
export function findConfigFile(named: string | undefined): string {
  const file = named ?? process.env.KAZOO_RELAY_CONFIG ?? places.find((place) => existsSync(place));
  if (file !== undefined) return file;
  throw new ConfigError(
    `there is no configuration: neither ${places.join(' nor ')} exists. Name one with --config or in KAZOO_RELAY_CONFIG`,
  );
}

/**
 * Reads and checks a configuration file. Relative paths in it belong to the working directory.
 * @throws ConfigError
 */
export function loadConfig(file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines, prettyErrors: false });
  const at = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${file}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map((error) => `${at(error.pos[0])}: ${storyOf(error)}`).join('\n'));
  }

  const mistakes: Mistake[] = [];
  const config = assemble(mappingIn(document, file), mistakes);
  if (mistakes.length === 0) return config;
  const placed = mistakes.map((mistake) => ({ ...mistake, offset: offsetOf(document, mistake.path) ?? 0 }));
  placed.sort((one, other) => one.offset - other.offset);
  throw new ConfigError(
    placed.map(({ offset, path, message }) => `${at(offset)}: ${nameOf(path)} ${message}`).join('\n'),
  );
}

const unknownAlias = 'a value begins with *, which YAML takes for the name of an anchor; put it in quotes';

/** Some messages of the parser quote the text, and that may be a password. */
function storyOf({ code, message }: YAMLParseError): string {
  switch (code) {
    case 'BAD_ALIAS':
      return unknownAlias;
    case 'BAD_SCALAR_START':
    case 'UNEXPECTED_TOKEN':
      return 'a value begins with, or goes on with, something that has a meaning in YAML; put it in quotes';
    case 'BAD_DQ_ESCAPE':
      return 'an unknown escape in double quotes; write \\\\ for a backslash, or use single quotes';
    case 'TAG_RESOLVE_FAILED':
      return 'a value begins with !, which YAML takes for a tag; put it in quotes';
    default:
      return message;
  }
}

/** A configuration larger than this is a mistake in the path, in bytes. */
const largest = 1024 * 1024;

function readText(file: string): string {
  try {
    if (statSync(file).size > largest) throw new Error('it is larger than 1 MiB');
    const bytes = readFileSync(file);
    if (!isUtf8(bytes)) throw new Error('it is not UTF-8 text');
    return bytes.toString();
  } catch (cause) {
    throw new ConfigError(`the configuration ${file} can't be read: ${reasonOf(cause)}`, { cause });
  }
}

function mappingIn(document: Document, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = document.toJS();
  } catch (cause) {
    // Either aliases multiply beyond a bound, or one has no anchor; then the message names it, which may be a password.
    const story = cause instanceof ReferenceError && /^Unresolved/.test(cause.message) ? unknownAlias : reasonOf(cause);
    throw new ConfigError(`${file}: ${story}`, { cause });
  }
  if (isMapping(value)) return value;
  throw new ConfigError(`${file} must be a mapping with at least the keys brokers and routes`);
}

function assemble({ brokers, routes, ...rest }: Record<string, unknown>, mistakes: Mistake[]): Config {
  // What the options describe is what Config says, as long as there was no mistake.
  return {
    ...check(rest, rootOptions, [], mistakes, ['brokers', 'routes']),
    brokers: checkBrokers(brokers, mistakes),
    routes: checkRoutes(routes, mistakes),
  } as unknown as Config;
}

function checkBrokers(brokers: unknown, mistakes: Mistake[]): BrokerConfig[] {
  if (!Array.isArray(brokers) || brokers.length === 0) {
    mistakes.push({ path: ['brokers'], message: 'must be a list of at least one broker, each with a zone and a url' });
    return [];
  }
  return brokers.map((value, index) => {
    const path = ['brokers', index];
    // As above: brokerOptions describe a BrokerConfig.
    const broker = check(value, brokerOptions, path, mistakes) as unknown as BrokerConfig;
    mistakes.push(...tlsMistakes(broker, path));
    return broker;
  });
}

const routeName = /^[a-z0-9][a-z0-9_-]{0,62}$/;

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
    const { sink, ...rest } = isMapping(route) ? route : { sink: undefined };
    if (!isMapping(route)) mistakes.push({ path, message: 'must be a mapping with at least a sink' });
    // As above: routeOptions describe a RouteConfig without its name and sink.
    const checked = check(rest, routeOptions, path, mistakes, ['sink']) as unknown as Omit<
      RouteConfig,
      'name' | 'sink' | 'start'
    > & { readonly start: string };
    return { ...checked, name, start: startOf(checked.start), sink: checkSink(sink, [...path, 'sink'], mistakes) };
  });
}

/** A time as Unix milliseconds. */
function startOf(start: string): RouteConfig['start'] {
  return start === 'now' || start === 'earliest' ? start : Date.parse(start);
}

function checkSink(sink: unknown, path: Path, mistakes: Mistake[]): RouteConfig['sink'] {
  const types = sinkKinds.map(({ type }) => type).join(', ');
  const { type, ...options } = isMapping(sink) ? sink : { type: undefined };
  const kind = sinkKinds.find((candidate) => candidate.type === type);
  if (kind === undefined) {
    const message =
      type === undefined ? `must be a mapping with a type: ${types}` : `has an unknown type; there are ${types}`;
    mistakes.push({ path: type === undefined ? path : [...path, 'type'], message });
    return { type: '', options: {} };
  }
  const found: Mistake[] = [];
  const checked = check(options, kind.options, path, found, ['type']);
  // How options go together can be judged only where each is right by itself.
  if (found.length === 0) found.push(...under(path, kind.check?.(checked) ?? []));
  mistakes.push(...found);
  return { type: kind.type, options: checked };
}

function under(path: Path, mistakes: readonly OptionMistake[]): Mistake[] {
  return mistakes.map((mistake) => ({ ...mistake, path: [...path, ...mistake.path] }));
}

/** Where a value stands, or the innermost part of its path that is there. */
function offsetOf(document: Document, path: Path): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (!isCollection(parent)) continue;
    const pair = isMap(parent) ? parent.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
    const node = pair?.key ?? parent.get(key, true);
    if (node !== undefined && node !== null && typeof node === 'object' && 'range' in node) {
      return (node.range as [number, number, number] | undefined)?.[0]; // as yaml says of every node that it parsed
    }
  }
  return undefined;
}

/** `routes.archive.events`, `brokers[0].url`. */
function nameOf(path: Path): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${key}`)).join('');
}
