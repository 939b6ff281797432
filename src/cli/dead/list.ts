import { Command } from 'commander';
import type { Desk, Letter, LetterGroup, Letters } from '../../journal/journal.ts';
import { columns } from '../columns.ts';
import { print, printable } from '../output.ts';
import { atDesk, lettersOf, pagesOf, type Selection, selecting } from './letters.ts';
import { jsonOf, timeOf, tries, triesOf } from './texts.ts';

export function listCommand(): Command {
  return selecting(new Command('list'))
    .description('one line each, oldest first')
    .option('--group', 'one line for each route, state and reason, with count, first and last time')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nExit code: 0 shown, or there is nothing, 2 not.\n\nExample:\n  kazoo-relay dead list --route crm --since 2d',
    )
    .action((options: Selection & { group?: true; json?: true }) =>
      atDesk(options, async (desk, config) => {
        const which = await lettersOf(options, desk, config);
        const count = await (options.group ? showGroups : showLetters)(desk, which, options.json === true);
        if (count === 0 && !options.json) console.error(nothing(which));
      }),
    );
}

/** Returns how many there were. */
async function showLetters(desk: Desk, which: Letters, json: boolean): Promise<number> {
  let count = 0;
  for await (const page of pagesOf(desk, which)) {
    count += page.length;
    if (json) for (const letter of page) await print(printable(JSON.stringify(jsonOf(letter))));
    else await print(columns(page.map(rowOf)));
  }
  return count;
}

async function showGroups(desk: Desk, which: Letters, json: boolean): Promise<number> {
  const groups = await desk.groups(which);
  if (json) for (const group of groups) await print(printable(JSON.stringify({ ...group, ...timesOf(group) })));
  else if (groups.length > 0) await print(columns([groupHead, ...groups.map(groupRow)]));
  return groups.length;
}

/** For people only: on stdout nothing is nothing, for whoever counts lines. */
function nothing(which: Letters): string {
  const some = Object.keys(which).length > 0;
  return some ? 'of these, nothing is dead or quarantined' : 'nothing is dead or quarantined';
}

function rowOf({ id, state, route, event, accountId, receivedAt, attempts, reason }: Letter): string[] {
  const about = [event ?? '-', accountId ?? '-'].map(printable);
  return [id, state, route || '-', ...about, timeOf(receivedAt), tries(triesOf(attempts)), printable(reason)];
}

const groupHead = ['COUNT', 'ROUTE', 'STATE', 'FIRST', 'LAST', 'REASON'];

function groupRow(group: LetterGroup): string[] {
  const { first, last } = timesOf(group);
  return [String(group.count), group.route || '-', group.state, first, last, printable(group.reason)];
}

function timesOf({ first, last }: LetterGroup): { first: string; last: string } {
  return { first: timeOf(first), last: timeOf(last) };
}
