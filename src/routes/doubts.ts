import type { OptionIssue } from '../common/options/declare.ts';
import { excerptAt } from '../common/text/slips.ts';
import { eventNamed, events, exampleRoutingKey } from '../kazoo/catalogue.ts';
import { decode } from '../kazoo/decode.ts';
import type { EventDefinition } from '../kazoo/event.ts';
import { redact } from '../kazoo/redact.ts';
import { Entry } from '../notification/entry.ts';
import type { Delivery } from '../notification/envelope.ts';
import { type Bodies, type BodyFields, createBodies, type OwnFields } from './body-fields.ts';
import { conditionAst, createCondition } from './condition.ts';
import { conditionDoubts } from './condition-reads.ts';
import { createRevealedPaths, type Scope } from './match.ts';
import { createReshape, type ShapeOptions } from './reshape.ts';
import { shape } from './shape.ts';

/** The examples to try routes on. */
export interface Trials {
  readonly bodies: Bodies;
  /** How many examples each route is tried on at most: of thousands of routes, each has fewer. */
  readonly most: number;
}

/** @param routes how many there are to try */
export function createTrials(own: OwnFields, routes: number): Trials {
  return { bodies: createBodies(own), most: Math.max(2, Math.floor(mostTrials / routes)) };
}

/** A rendering takes a tenth of a millisecond or so. */
const mostTrials = 5_000;

interface RouteParts extends Scope {
  readonly where?: string | undefined;
  readonly shape?: ShapeOptions | undefined;
  readonly reveal: readonly string[];
}

/** A path into the envelope, by its steps, and the option that names it. */
interface EnvelopePath {
  readonly at: OptionIssue['path'];
  readonly path: readonly string[];
}

/** What a route's sink does with the envelope. */
export interface SinkReads {
  /** Paths into the envelope that its options name, each with the option that does. */
  readonly paths: readonly EnvelopePath[];
  /** What is wrong with a delivery, before anything is sent. */
  readonly rehearse: ((delivery: Delivery) => OptionIssue | undefined) | undefined;
}

/**
 * The parts of a route that are legal but have no effect with the events that it selects: fields that they don't have,
 * comparisons that are never true, and templates that fail for the catalogue's examples.
 */
export function routeDoubts(route: RouteParts, sink: SinkReads, { bodies, most }: Trials): OptionIssue[] {
  const readsNothing = sink.paths.length === 0 && sink.rehearse === undefined;
  if (route.where === undefined && route.shape === undefined && readsNothing) return [];
  const fields = bodies(route.events);
  if (fields === undefined) return [];
  return [
    ...whereDoubts(route, fields),
    ...pathDoubts(route.shape, sink, fields),
    ...rehearsed(route, sink, fields, most),
  ];
}

function whereDoubts({ where }: RouteParts, fields: BodyFields): OptionIssue[] {
  if (where === undefined) return [];
  const doubts = conditionDoubts(conditionAst(where), fields);
  const said = [...new Map(doubts.map((doubt) => [doubt.message, doubt])).values()];
  if (said.length > 0)
    return said.map(({ message, offset }) => ({ path: ['where'], message, excerpt: excerptAt(where, offset) }));
  const condition = createCondition(where);
  let first: string | undefined;
  for (const entry of entriesOf(fields)) {
    const answer = condition(entry);
    // What an example doesn't have, a notification may have.
    if (typeof answer === 'boolean' || /^No such key/.test(answer.failed)) return [];
    first ??= answer.failed;
  }
  if (first === undefined) return [];
  return [{ path: ['where'], message: `can't be evaluated for the example of any event: ${first}` }];
}

/** Those in a set path are the operator's own. */
function pathDoubts(shape: ShapeOptions | undefined, sink: SinkReads, fields: BodyFields): OptionIssue[] {
  const { pick = [], omit = [], set = {} } = shape ?? {};
  const added = Object.keys(set);
  const isAdded = (path: readonly string[]) =>
    added.some(
      (one) => one === path.join('.') || one.startsWith(`${path.join('.')}.`) || path.join('.').startsWith(`${one}.`),
    );
  const listed = Object.entries({ pick, omit }).flatMap(([list, paths]) =>
    paths.map((path, index) => ({ at: ['shape', list, index], path: path.split('.') })),
  );
  const read = sink.paths.filter(({ path }) => !isAdded(path)).map(({ at, path }) => ({ at: ['sink', ...at], path }));
  return [...listed, ...read].flatMap(({ at, path }) => {
    const message = fields.problemOf(path);
    return message === undefined ? [] : [{ path: at, message }];
  });
}

/** Delivers the examples to nobody. */
function rehearsed(route: RouteParts, { rehearse }: SinkReads, fields: BodyFields, most: number): OptionIssue[] {
  if (rehearse === undefined) return [];
  const reshape = createReshape(route.shape);
  const found = [...entriesOf(fields, route).take(most)].flatMap((entry) => {
    const issue = rehearse(shape(entry, route.reveal, reshape));
    return issue === undefined ? [] : [{ ...issue, event: entry.header.event }];
  });
  const byMessage = Map.groupBy(found, ({ path, message }) => `${path.join('.')} ${message}`);
  return [...byMessage.values()].flatMap((alike) => {
    const [first] = alike;
    if (first === undefined) return [];
    const names = alike.slice(0, 4).map(({ event }) => event);
    const more = alike.length > names.length ? ` and ${alike.length - names.length} more` : '';
    return [{ path: ['sink', ...first.path], message: `${first.message} (example of ${names.join(', ')}${more})` }];
  });
}

/** The catalogue's examples of the events that a route selects, as it would read them from the journal. */
function* entriesOf({ selected }: BodyFields, route?: RouteParts): Generator<Entry> {
  const reveals = createRevealedPaths(route === undefined ? [] : [route]);
  const definitions = selected === undefined ? events : selected.flatMap((name) => eventNamed(name) ?? []);
  for (const event of definitions) yield entryOf(event, reveals);
}

function entryOf(event: EventDefinition, reveals: ReturnType<typeof createRevealedPaths>): Entry {
  const message = {
    body: Buffer.from(JSON.stringify(event.example)),
    zone: 'example',
    routingKey: exampleRoutingKey(event),
    contentEncoding: undefined,
    timestamp: undefined,
    receivedAt: Date.now(),
  };
  return new Entry(1, null, redact(decode(message, unlimited), reveals));
}

const unlimited = { maxBodySize: Number.MAX_SAFE_INTEGER, maxBodyMembers: Number.MAX_SAFE_INTEGER };
