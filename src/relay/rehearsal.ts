import type { Config } from '../config/config.ts';
import { decode } from '../kazoo/decode.ts';
import { redact } from '../kazoo/redact.ts';
import { validateNotification } from '../kazoo/validate.ts';
import { Entry } from '../notification/entry.ts';
import { createExplainer, createMatcher, createRevealedPaths, type Decision } from '../routes/match.ts';
import { createReshape } from '../routes/reshape.ts';
import { shape } from '../routes/shape.ts';
import { createValidator } from '../schema/validator.ts';

/** A message that might come from a broker. */
export interface Rehearsed {
  readonly body: Uint8Array;
  readonly routingKey: string;
  /** Undefined is that of the first broker. */
  readonly zone?: string | undefined;
}

/** What would become of it. */
export interface Rehearsal {
  readonly entry: Entry;
  readonly routes: readonly RouteRehearsal[];
}

interface RouteRehearsal {
  readonly name: string;
  readonly decision: Decision;
  /** What keeps the route from it; null where nothing does. */
  readonly whyNot: string | null;
  /** What its sink would get, as JSON. */
  envelope(): string;
}

/**
 * Does with a message what the daemon does, but for the broker, the journal and the sinks.
 * @throws SchemaError, ConditionError
 */
export function createRehearsal({ brokers, intake, routes, validation }: Config): (message: Rehearsed) => Rehearsal {
  const validator = createValidator(validation.schemas, validation.accept);
  const reveals = createRevealedPaths(routes);
  const firstZone = brokers[0]?.zone ?? '';
  const tried = routes.map((route) => {
    const reshape = createReshape(route.shape);
    return {
      name: route.name,
      match: createMatcher(route),
      explain: createExplainer(route),
      shapeOf: (entry: Entry) => shape(entry, route.reveal, reshape).json,
    };
  });

  return ({ body, routingKey, zone = firstZone }) => {
    const message = { routingKey, contentEncoding: undefined, timestamp: undefined, receivedAt: Date.now() };
    const notification = decode({ ...message, body, zone }, intake);
    validateNotification(notification, validator);
    const entry = new Entry(1, null, redact(notification, reveals));
    return {
      entry,
      routes: tried.map(({ name, match, explain, shapeOf }) => ({
        name,
        decision: match(entry),
        whyNot: explain(entry),
        envelope: () => shapeOf(entry),
      })),
    };
  };
}
