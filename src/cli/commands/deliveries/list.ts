import { Command } from 'commander';
import { printable } from '../../../common/text/format.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { DeliveryFilter, DeliveryGroup, DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';
import { attemptCount, deliveryJson, isoTime, isoTimeOrNull, tries } from '../../support/deliveries/messages.ts';
import type { DeliveryKind } from '../../support/deliveries/selection.ts';
import {
  filterOf,
  nothingSelected,
  pagesOf,
  type Selection,
  withSelectionOptions,
} from '../../support/deliveries/selection.ts';
import { withOperatorStore } from '../../support/journal.ts';
import type { Terminal } from '../../support/terminal.ts';
import { columns } from '../../support/terminal.ts';

export function listCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return withSelectionOptions(new Command('list'))
    .description('one line each, oldest first')
    .option('--group', 'one line for each route, state and reason, with count, first and last time')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      `\nExit code: 0 shown, or there is nothing, 2 not.\n\nExample:\n  kazoo-relay ${kind.name} list --route crm --since 2d`,
    )
    .action((options: Selection & { group?: true; json?: true }) =>
      withOperatorStore(terminal, options, async (store, config) => {
        const which = await filterOf(options, kind, store, config);
        const show = options.group ? showGroups : showDeliveries;
        const listed = await show(terminal, store, which, kind.detail, options.json === true);
        if (options.json) return;
        // On stderr, so that counting the lines of stdout gives 0.
        if (listed.size === 0) terminal.complain(nothingSelected(which, kind));
        for (const route of formerIn(listed, config))
          terminal.complain(`${route} is not in the configuration; "kazoo-relay status" says what that means`);
      }),
    );
}

function formerIn(listed: ReadonlySet<string>, { routes }: PartialConfig): string[] {
  return [...listed].filter((name) => name !== '' && routes.every((route) => route.name !== name)).map(printable);
}

/** Returns the routes that have such deliveries. */
async function showDeliveries(
  terminal: Terminal,
  store: OperatorStore,
  which: DeliveryFilter,
  detail: Detail,
  json: boolean,
): Promise<Set<string>> {
  const routes = new Set<string>();
  for await (const page of pagesOf(store, which)) {
    for (const { route } of page) routes.add(route);
    if (json) for (const record of page) await terminal.print(printable(JSON.stringify(deliveryJson(record))));
    else await terminal.print(columns(page.map((record) => rowOf(record, detail))));
  }
  return routes;
}

async function showGroups(
  terminal: Terminal,
  store: OperatorStore,
  which: DeliveryFilter,
  detail: Detail,
  json: boolean,
): Promise<Set<string>> {
  const groups = await store.groups(which);
  if (json) for (const group of groups) await terminal.print(printable(JSON.stringify(groupJson(group))));
  else if (groups.length > 0)
    await terminal.print(columns([groupHead(detail), ...groups.map((group) => groupRow(group, detail))]));
  return new Set(groups.map(({ route }) => route));
}

type Detail = DeliveryKind['detail'];

function rowOf(record: DeliveryRecord, detail: Detail): string[] {
  const { id, route, event, accountId, receivedAt, attempts, reason } = record;
  const about = [event ?? '-', accountId ?? '-'].map(printable);
  return [
    id,
    detail.of(record),
    route || '-',
    ...about,
    isoTime(receivedAt),
    tries(attemptCount(attempts)),
    printable(reason),
  ];
}

function groupHead(detail: Detail): string[] {
  return ['COUNT', 'ROUTE', detail.head, 'FIRST', 'LAST', 'REASON'];
}

function groupRow(group: DeliveryGroup, detail: Detail): string[] {
  const { first, last } = timesOf(group);
  return [String(group.count), group.route || '-', detail.of(group), first, last, printable(group.reason)];
}

function groupJson({ first, last, dueAt, ...group }: DeliveryGroup): object {
  return { ...group, ...timesOf({ first, last }), due_at: isoTimeOrNull(dueAt) };
}

function timesOf({ first, last }: Pick<DeliveryGroup, 'first' | 'last'>): { first: string; last: string } {
  return { first: isoTime(first), last: isoTime(last) };
}
