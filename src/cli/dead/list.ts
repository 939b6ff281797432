import { Command } from 'commander';
import type { Desk, Letter, LetterGroup } from '../../journal/journal.ts';
import { columns } from '../columns.ts';
import { exitCode2 } from '../exit.ts';
import { print, printable } from '../output.ts';
import { atDesk, lettersOf, pagesOf, type Selection, selecting } from './letters.ts';
import { jsonOf, timeOf, tries, triesOf } from './texts.ts';

export function listCommand(): Command {
  return selecting(exitCode2(new Command('list')))
    .description('one line each, oldest first')
    .option('--group', 'one line for each route, state and reason, with count, first and last time')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  kazoo-relay dead list --route crm --since 2d')
    .action((options: Selection & { group?: true; json?: true }) =>
      atDesk(options, (desk) => (options.group ? showGroups : showLetters)(desk, options)),
    );
}

async function showLetters(desk: Desk, options: Selection & { json?: true }): Promise<void> {
  for await (const page of pagesOf(desk, lettersOf(options))) {
    if (options.json) for (const letter of page) await print(printable(JSON.stringify(jsonOf(letter))));
    else await print(columns(page.map(rowOf)));
  }
}

async function showGroups(desk: Desk, options: Selection & { json?: true }): Promise<void> {
  const groups = await desk.groups(lettersOf(options));
  if (options.json) {
    for (const group of groups) await print(printable(JSON.stringify({ ...group, ...timesOf(group) })));
  } else if (groups.length > 0) await print(columns([groupHead, ...groups.map(groupRow)]));
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
