import { reasonOf } from '../../common/errors.ts';
import type { Json } from '../../common/json.ts';
import { isMapping } from '../../common/options/value-checks.ts';
import { suggestionFor } from '../../common/text/did-you-mean.ts';
import {
  diagnosticLines,
  diagnosticText,
  locationText,
  type OptionPath,
  optionName,
} from '../../config/diagnostics.ts';
import { readSource } from '../../config/read/source.ts';
import { eventNamed, events, exampleRoutingKey } from '../../kazoo/catalogue.ts';
import { exampleBody } from './example.ts';

/** A notification, and its expected outcome. */
export interface ConfigTest {
  readonly name: string;
  /** `cases.yaml:3:5`. */
  readonly location: string;
  readonly body: Buffer;
  readonly routingKey: string;
  /** Undefined is that of the first broker. */
  readonly zone: string | undefined;
  /** By route; those that aren't named should not get it. */
  readonly expected: ReadonlyMap<string, Expectation>;
}

export interface Expectation {
  readonly decision: 'deliver' | 'quarantine';
  /** Dotted paths into the envelope, and what should stand there; null is nothing. */
  readonly gets: ReadonlyMap<string, unknown>;
}

/**
 * Reads a file of cases.
 * @param routes of the configuration
 * @throws Error that lists every mistake, each with its line
 */
export function readConfigTests(file: string, routes: readonly string[]): ConfigTest[] {
  const source = readSource(file);
  if (source.errors.length > 0) throw new Error(source.errors.flatMap((error) => diagnosticLines(error)).join('\n'));
  const errors: string[] = [];
  const reader: Reader = {
    routes,
    wrong: (path, message) =>
      void errors.push(diagnosticText({ ...source.locationOf(path), option: optionName(path), message })),
    location: (path) => locationText(source.locationOf(path)),
  };
  const cases = testsIn(source.value, reader);
  if (errors.length > 0) throw new Error(errors.join('\n'));
  return cases;
}

interface Reader {
  readonly routes: readonly string[];
  wrong(path: OptionPath, message: string): void;
  location(path: OptionPath): string;
}

function testsIn(value: unknown, reader: Reader): ConfigTest[] {
  const { cases } = keysOf(value, ['cases'], [], reader);
  if (Array.isArray(cases) && cases.length > 0)
    return cases.flatMap((one, index) => testOf(one, ['cases', index], reader));
  reader.wrong(['cases'], 'must be a list of at least one case');
  return [];
}

const testKeys = ['name', 'event', 'with', 'notification', 'zone', 'routes', 'quarantine', 'gets'];

function testOf(value: unknown, path: OptionPath, reader: Reader): ConfigTest[] {
  const given = keysOf(value, testKeys, path, reader);
  // Anything but a mapping has no further errors.
  if (given !== value) return [];
  const title = given.name ?? given.event ?? `case ${Number(path.at(-1)) + 1}`;
  if (typeof title !== 'string') reader.wrong([...path, 'name'], 'must be text');
  if (given.zone !== undefined && typeof given.zone !== 'string') reader.wrong([...path, 'zone'], 'must be text');
  return [
    {
      name: String(title),
      location: reader.location(path),
      ...messageOf(given, path, reader),
      zone: given.zone === undefined ? undefined : String(given.zone),
      expected: expectationsIn(given, path, reader),
    },
  ];
}

function messageOf(
  given: Record<string, unknown>,
  path: OptionPath,
  reader: Reader,
): Pick<ConfigTest, 'body' | 'routingKey'> {
  const { event, notification, with: changes = {} } = given;
  if ((event === undefined) === (notification === undefined)) {
    reader.wrong(path, 'must have either an event, whose example is taken, or a notification');
  } else if (notification !== undefined) {
    if (given.with !== undefined) reader.wrong([...path, 'with'], 'goes with an event; change the notification itself');
    // Text is a body as it stands, for one that is broken.
    const text = typeof notification === 'string' ? notification : JSON.stringify(notification);
    return { body: Buffer.from(text), routingKey: 'notifications.test.test' };
  } else if (!isMapping(changes)) {
    reader.wrong([...path, 'with'], 'must be a mapping of paths in the body to values');
  } else {
    return exampleOf(String(event), changes, path, reader);
  }
  return { body: Buffer.alloc(0), routingKey: '' };
}

function exampleOf(event: string, changes: Record<string, unknown>, path: OptionPath, reader: Reader) {
  const definition = eventNamed(event);
  if (definition === undefined) {
    const names = events.map(({ name }) => name);
    reader.wrong([...path, 'event'], `is no event of the catalogue${hint(event, names)}`);
    return { body: Buffer.alloc(0), routingKey: '' };
  }
  const list = Object.entries(changes).map(([key, value]) => ({
    path: key.split('.'),
    // What YAML makes is JSON, but for times and the like, which JSON.stringify below turns into text.
    value: value === null ? undefined : (value as Json),
  }));
  try {
    const body = exampleBody(definition, Date.now(), list);
    return { body: Buffer.from(JSON.stringify(body)), routingKey: exampleRoutingKey(definition) };
  } catch (error) {
    reader.wrong([...path, 'with'], reasonOf(error));
    return { body: Buffer.alloc(0), routingKey: '' };
  }
}

function expectationsIn(given: Record<string, unknown>, path: OptionPath, reader: Reader): Map<string, Expectation> {
  const delivered = namesIn(given.routes, [...path, 'routes'], reader);
  if (given.routes === undefined) reader.wrong(path, 'must say which routes get it; an empty list is none');
  const quarantined = namesIn(given.quarantine ?? [], [...path, 'quarantine'], reader);
  for (const name of quarantined) {
    if (delivered.includes(name)) reader.wrong([...path, 'quarantine'], `has ${name}, which gets it by routes`);
  }
  const gets = given.gets ?? {};
  if (!isMapping(gets)) reader.wrong([...path, 'gets'], 'must be a mapping of routes to what they get');
  const byRoute = isMapping(gets) ? gets : {};
  for (const name of Object.keys(byRoute)) {
    if (!delivered.includes(name)) reader.wrong([...path, 'gets', name], 'is not among the routes of this case');
  }
  return new Map<string, Expectation>([
    ...delivered.map((name): [string, Expectation] => [
      name,
      { decision: 'deliver', gets: partsIn(byRoute[name], [...path, 'gets', name], reader) },
    ]),
    ...quarantined.map((name): [string, Expectation] => [name, { decision: 'quarantine', gets: new Map() }]),
  ]);
}

function namesIn(value: unknown, path: OptionPath, { routes, wrong }: Reader): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    wrong(path, 'must be a list of routes');
    return [];
  }
  for (const [index, name] of value.entries()) {
    if (!routes.includes(name))
      wrong([...path, index], `is no route of the configuration${hint(String(name), routes)}`);
  }
  return value.map(String);
}

function partsIn(value: unknown, path: OptionPath, reader: Reader): Map<string, unknown> {
  if (value === undefined || isMapping(value)) return new Map(Object.entries(value ?? {}));
  reader.wrong(path, 'must be a mapping of paths in the envelope to values');
  return new Map();
}

function keysOf(value: unknown, known: readonly string[], path: OptionPath, reader: Reader): Record<string, unknown> {
  if (!isMapping(value)) {
    reader.wrong(path, `must be a mapping with the keys ${known.join(', ')}`);
    return {};
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) reader.wrong([...path, key], `is not known here${hint(key, known)}`);
  }
  return value;
}

function hint(word: string, known: readonly string[]): string {
  return suggestionFor(word, known, `there are ${known.join(', ')}`);
}
