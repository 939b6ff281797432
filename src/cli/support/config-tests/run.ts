import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../../../config/config.ts';
import { decode } from '../../../kazoo/decode.ts';
import { redact } from '../../../kazoo/redact.ts';
import { validateNotification } from '../../../kazoo/validate.ts';
import { Entry } from '../../../notification/entry.ts';
import { createMatcher, createRevealedPaths, type Decision } from '../../../routes/match.ts';
import { createReshape } from '../../../routes/reshape.ts';
import { shape } from '../../../routes/shape.ts';
import { createValidator } from '../../../schema/validator.ts';
import type { ConfigTest, Expectation } from './read.ts';

/**
 * Says how what the routes of a configuration do differs from what a case wants: nothing, or a line for each
 * difference.
 */
export type ConfigTestRunner = (configTest: ConfigTest) => string[];

/**
 * Does with a notification what the daemon does, but for the broker, the journal and the sinks.
 * @throws SchemaError, ConditionError
 */
export function createConfigTestRunner({ brokers, intake, routes, validation }: Config): ConfigTestRunner {
  const validator = createValidator(validation.schemas);
  const reveals = createRevealedPaths(routes);
  const zone = brokers[0]?.zone ?? '';
  const failures: string[] = [];
  const tried = routes.map((route) => {
    const reshape = createReshape(route.shape);
    return {
      name: route.name,
      match: createMatcher(route, (reason) => void failures.push(reason)),
      shapeOf: (entry: Entry) => shape(entry, route.reveal, reshape).json,
    };
  });

  return (configTest) => {
    const now = Date.now();
    const message = {
      routingKey: configTest.routingKey,
      contentEncoding: undefined,
      timestamp: undefined,
      receivedAt: now,
    };
    const notification = decode({ ...message, body: configTest.body, zone: configTest.zone ?? zone }, intake);
    validateNotification(notification, validator);
    const entry = new Entry(1, null, redact(notification, reveals));
    return tried.flatMap(({ name, match, shapeOf }) => {
      failures.length = 0;
      const decision = match(entry);
      const expected = configTest.expected.get(name);
      const wrong = wrongDecision(decision, expected, failures[0]);
      if (wrong !== undefined) return [`${name} ${wrong}`];
      if (decision !== 'deliver' || expected === undefined) return [];
      return differencesIn(JSON.parse(shapeOf(entry)), expected.gets).map((difference) => `${name} gets ${difference}`);
    });
  };
}

function wrongDecision(
  decision: Decision,
  expected: Expectation | undefined,
  failure: string | undefined,
): string | undefined {
  const does = typeof decision === 'string' ? decision : 'quarantine';
  const should = expected?.decision ?? 'skip';
  if (does === should) return undefined;
  const why = typeof decision === 'string' ? failure && `its condition fails: ${failure}` : decision.quarantine;
  return `${verbs[should].should}, ${verbs[does].does}${why === undefined ? '' : ` (${why})`}`;
}

const verbs = {
  deliver: { should: 'should get it', does: 'and gets it' },
  skip: { should: 'should not get it', does: 'but does not get it' },
  quarantine: { should: 'should have it quarantined', does: 'but has it quarantined' },
} as const;

function differencesIn(envelope: unknown, gets: ReadonlyMap<string, unknown>): string[] {
  return [...gets].flatMap(([path, expected]) => {
    const actual = at(envelope, path.split('.'));
    if (isDeepStrictEqual(actual ?? null, expected)) return [];
    const shown = actual === undefined ? 'nothing' : JSON.stringify(actual);
    return [`${shown} in ${path}, and should get ${expected === null ? 'nothing' : JSON.stringify(expected)}`];
  });
}

function at(value: unknown, [step, ...rest]: readonly string[]): unknown {
  if (step === undefined) return value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
  return at(Reflect.get(value, step), rest);
}
