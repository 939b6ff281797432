import { Command } from 'commander';
import type { Outline } from '../../config/outline.ts';
import type { Desk, Letter, Letters } from '../../journal/journal.ts';
import { createMatcher, type Decision } from '../../routes/match.ts';
import { createValidator, type Validator } from '../../schema/validator.ts';
import { notifications, print, printable } from '../output.ts';
import { idleAmong } from './idle.ts';
import { atDesk, type Choice, choosing, chosenBy, pagesOf } from './letters.ts';

export function retryCommand(): Command {
  return choosing(new Command('retry'))
    .description('deliver again; what is quarantined is validated again first')
    .addHelpText(
      'after',
      '\nExit code: 0 done, or there was nothing to do, 2 not.\n\nExample:\n  kazoo-relay dead retry --route crm --event voicemail_new',
    )
    .action((ids: string[], options: Choice) =>
      atDesk(options, async (desk, config) => retry(desk, config, await chosenBy(ids, options, desk, config))),
    );
}

async function retry(desk: Desk, config: Outline, which: Letters): Promise<void> {
  const judge = createJudge(desk, config);
  const idle = await idleAmong(which, desk, config);
  const kept = new Map<string, number>();
  let retried = 0;
  for await (const page of pagesOf(desk, which)) {
    const due: Letter[] = [];
    for (const letter of page) {
      const obstacle = await judge(letter);
      if (obstacle === null) due.push(letter);
      else kept.set(obstacle, (kept.get(obstacle) ?? 0) + 1);
    }
    retried += await desk.retry(due);
  }
  await print(`${notifications(retried)} will be delivered again`);
  for (const [reason, count] of kept) await print(`${notifications(count)} not: ${printable(reason)}`);
  for (const line of idle) await print(printable(line));
}

/** Says why one can't be delivered again, or null where it can. */
function createJudge(desk: Desk, config: Outline): (letter: Letter) => Promise<string | null> {
  const validator = createValidator(config.validation.schemas);
  const matchers = new Map(config.routes.map((route) => [route.name, createMatcher(route)]));
  return async (letter) => {
    if (letter.state === 'undecodable') return 'it could not be decoded, so there is nothing to deliver';
    const match = matchers.get(letter.route);
    if (match === undefined) return `the configuration has no route ${letter.route}`;
    if (letter.state === 'dead') return null;
    await validateAgain(desk, letter.seq, validator);
    const entry = await desk.entryAt(letter.seq);
    return entry === null ? 'it was removed meanwhile' : obstacleIn(match(entry));
  };
}

async function validateAgain(desk: Desk, seq: number, validator: Validator): Promise<void> {
  const entry = await desk.entryAt(seq);
  if (entry?.data == null) return;
  // What decoding has found, such as keys that are there twice, no schema can mend.
  const found = entry.problems.filter(({ keyword }) => keyword === 'duplicateKey');
  const problems = [...found, ...validator.validate(entry.event, entry.data)];
  await desk.judge(seq, problems.length === 0 ? 'valid' : 'invalid', problems);
}

function obstacleIn(decision: Decision): string | null {
  if (decision === 'deliver') return null;
  return decision === 'skip' ? 'its route does not want it any more' : decision.quarantine;
}
