import type { Command } from 'commander';
import type { PartialConfig } from '../../config/load.ts';
import type { DeliveryFilter, OperatorAct, OperatorStore } from '../../journal/operator-store.ts';
import type { Validator } from '../../kazoo/validate.ts';
import { createExplainer, createMatcher, type Decision } from '../../routes/match.ts';
import { createValidator } from '../../schema/validator.ts';
import { routeIsGone } from '../support/deliveries/messages.ts';
import { type DeliveryKind, type RetryCheck, type RetryStep, retryEach } from '../support/deliveries/selection.ts';
import type { Terminal } from '../support/terminal.ts';
import { deliveriesCommand } from './deliveries/command.ts';

const dead: DeliveryKind = {
  name: 'dead',
  states: ['dead', 'quarantined', 'undecodable'],
  isLook: true,
  none: 'nothing is dead or quarantined',
  denied: 'it is not dead or quarantined',
  detail: { head: 'STATE', spare: 3, of: ({ state }) => state },
  retry: {
    description: 'deliver again; quarantined notifications are validated again first',
    done: 'will be delivered again',
    steps: retryAll,
  },
};

export function deadCommand(terminal: Terminal): Command {
  return deliveriesCommand(terminal, dead)
    .description('list, show, retry or drop dead letters and quarantined notifications')
    .addHelpText('after', help);
}

const help = `
States: dead (all attempts failed, or none can succeed), quarantined (invalid or unknown, and the route takes only valid ones),
undecodable (no JSON).
Exit code: 0 done, or nothing to do, 2 not done.

Examples:
  kazoo-relay dead list --group
  kazoo-relay dead show 0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55
  kazoo-relay dead retry --route crm --event voicemail_new
  kazoo-relay dead drop --route crm --yes`;

/** Dead ones can be delivered again as they are, and there may be a million of them. */
async function* retryAll(
  store: OperatorStore,
  config: PartialConfig,
  which: DeliveryFilter,
  act: OperatorAct,
): AsyncGenerator<RetryStep> {
  const routes = config.routes.map(({ name }) => name);
  for await (const count of act.retryDead({ ...which, routes })) yield { found: count, retried: count };
  for (const { route, count } of await store.groups({ ...which, states: ['dead'] }))
    if (!routes.includes(route)) yield { found: count, retried: 0, kept: new Map([[routeIsGone(route), count]]) };
  const others = { ...which, states: which.states.filter((state) => state !== 'dead') };
  yield* retryEach(store, others, createRetryCheck(store, config), (records) => act.retry(records));
}

/** Quarantined ones can be where they are as their route wants them by now. */
function createRetryCheck(store: OperatorStore, config: PartialConfig): RetryCheck {
  const validator = createValidator(config.validation.schemas, config.validation.accept);
  const routes = new Map(
    config.routes.map((route) => [route.name, { match: createMatcher(route), explain: createExplainer(route) }]),
  );
  return async (record) => {
    if (record.state === 'undecodable') return 'it could not be decoded, so there is nothing to deliver';
    const route = routes.get(record.route);
    if (route === undefined) return routeIsGone(record.route);
    await validateAgain(store, record.seq, validator);
    const entry = await store.entryAt(record.seq);
    return entry === null ? 'it was removed meanwhile' : obstacleIn(route.match(entry), () => route.explain(entry));
  };
}

async function validateAgain(store: OperatorStore, seq: number, validator: Validator): Promise<void> {
  const entry = await store.entryAt(seq);
  if (entry?.data == null) return;
  // What decoding has found, such as keys that are there twice, no schema can mend.
  const found = entry.problems.filter(({ keyword }) => keyword === 'duplicateKey');
  const problems = validator.validate(entry.header.event, entry.data, found);
  await store.saveValidation(seq, problems.length === 0 ? 'valid' : 'invalid', problems);
}

function obstacleIn(decision: Decision, whyNot: () => string | null): string | null {
  if (decision === 'deliver') return null;
  return decision === 'skip' ? `its route does not want it any more: ${whyNot()}` : `${decision.quarantine}; ${cure}`;
}

const cure =
  'to deliver it, correct the schema, accept the problem in validation.accept, or let the route deliver what is invalid or unknown';
