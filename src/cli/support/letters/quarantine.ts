import type { Outline } from '../../../config/outline.ts';
import type { OperatorStore } from '../../../journal/operator-store.ts';
import { createMatcher, type Decision } from '../../../routes/match.ts';
import { createValidator, type Validator } from '../../../schema/validator.ts';
import type { Judge } from './kind.ts';
import { noRoute } from './texts.ts';

/** Dead ones can be delivered again; quarantined ones where they are as their route wants them by now. */
export function createJudge(store: OperatorStore, config: Outline): Judge {
  const validator = createValidator(config.validation.schemas);
  const matchers = new Map(config.routes.map((route) => [route.name, createMatcher(route)]));
  return async (record) => {
    if (record.state === 'undecodable') return 'it could not be decoded, so there is nothing to deliver';
    const match = matchers.get(record.route);
    if (match === undefined) return noRoute(record.route);
    if (record.state === 'dead') return null;
    await validateAgain(store, record.seq, validator);
    const entry = await store.entryAt(record.seq);
    return entry === null ? 'it was removed meanwhile' : obstacleIn(match(entry));
  };
}

async function validateAgain(store: OperatorStore, seq: number, validator: Validator): Promise<void> {
  const entry = await store.entryAt(seq);
  if (entry?.data == null) return;
  // What decoding has found, such as keys that are there twice, no schema can mend.
  const found = entry.problems.filter(({ keyword }) => keyword === 'duplicateKey');
  const problems = [...found, ...validator.validate(entry.event, entry.data)];
  await store.saveValidation(seq, problems.length === 0 ? 'valid' : 'invalid', problems);
}

function obstacleIn(decision: Decision): string | null {
  if (decision === 'deliver') return null;
  return decision === 'skip' ? 'its route does not want it any more' : decision.quarantine;
}
