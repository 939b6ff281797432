import { Command } from 'commander';
import { printable } from '../../../common/text/format.ts';
import type { Outline } from '../../../config/outline.ts';
import type { Desk, Letter, LetterGroup, Letters } from '../../../journal/operator-store.ts';
import { columns } from '../../support/columns.ts';
import type { Kind } from '../../support/letters/kind.ts';
import { atDesk, lettersOf, nothingIn, pagesOf, type Selection, selecting } from '../../support/letters/letters.ts';
import { dueOf, jsonOf, timeOf, tries, triesOf } from '../../support/letters/texts.ts';
import type { Terminal } from '../../support/terminal.ts';

export function listCommand(terminal: Terminal, kind: Kind): Command {
  return selecting(new Command('list'))
    .description('one line each, oldest first')
    .option('--group', 'one line for each route, state and reason, with count, first and last time')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      `\nExit code: 0 shown, or there is nothing, 2 not.\n\nExample:\n  kazoo-relay ${kind.name} list --route crm --since 2d`,
    )
    .action((options: Selection & { group?: true; json?: true }) =>
      atDesk(terminal, options, async (desk, config) => {
        const which = await lettersOf(options, kind, desk, config);
        const show = options.group ? showGroups : showLetters;
        const listed = await show(terminal, desk, which, kind.detail, options.json === true);
        if (options.json) return;
        // For people only: on stdout nothing is nothing, for whoever counts lines.
        if (listed.size === 0) terminal.complain(nothingIn(which, kind));
        for (const route of formerIn(listed, config))
          terminal.complain(`${route} is not in the configuration; "kazoo-relay status" says what that means`);
      }),
    );
}

function formerIn(listed: ReadonlySet<string>, { routes }: Outline): string[] {
  return [...listed].filter((name) => name !== '' && routes.every((route) => route.name !== name)).map(printable);
}

/** Returns the routes whose letters there were. */
async function showLetters(
  terminal: Terminal,
  desk: Desk,
  which: Letters,
  detail: Detail,
  json: boolean,
): Promise<Set<string>> {
  const routes = new Set<string>();
  for await (const page of pagesOf(desk, which)) {
    for (const { route } of page) routes.add(route);
    if (json) for (const letter of page) await terminal.print(printable(JSON.stringify(jsonOf(letter))));
    else await terminal.print(columns(page.map((letter) => rowOf(letter, detail))));
  }
  return routes;
}

async function showGroups(
  terminal: Terminal,
  desk: Desk,
  which: Letters,
  detail: Detail,
  json: boolean,
): Promise<Set<string>> {
  const groups = await desk.groups(which);
  if (json) for (const group of groups) await terminal.print(printable(JSON.stringify(jsonOfGroup(group))));
  else if (groups.length > 0)
    await terminal.print(columns([groupHead(detail), ...groups.map((group) => groupRow(group, detail))]));
  return new Set(groups.map(({ route }) => route));
}

type Detail = Kind['detail'];

function rowOf(letter: Letter, detail: Detail): string[] {
  const { id, route, event, accountId, receivedAt, attempts, reason } = letter;
  const about = [event ?? '-', accountId ?? '-'].map(printable);
  return [
    id,
    detail.of(letter),
    route || '-',
    ...about,
    timeOf(receivedAt),
    tries(triesOf(attempts)),
    printable(reason),
  ];
}

function groupHead(detail: Detail): string[] {
  return ['COUNT', 'ROUTE', detail.head, 'FIRST', 'LAST', 'REASON'];
}

function groupRow(group: LetterGroup, detail: Detail): string[] {
  const { first, last } = timesOf(group);
  return [String(group.count), group.route || '-', detail.of(group), first, last, printable(group.reason)];
}

function jsonOfGroup({ first, last, dueAt, ...group }: LetterGroup): object {
  return { ...group, ...timesOf({ first, last }), due_at: dueOf(dueAt) };
}

function timesOf({ first, last }: Pick<LetterGroup, 'first' | 'last'>): { first: string; last: string } {
  return { first: timeOf(first), last: timeOf(last) };
}
