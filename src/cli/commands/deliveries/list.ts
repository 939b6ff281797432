import { Command } from 'commander';
import { reasonOf } from '../../../common/errors.ts';
import { printable } from '../../../common/text/format.ts';
import { span } from '../../../common/text/times.ts';
import type { PartialConfig } from '../../../config/load.ts';
import type { DeliveryFilter, DeliveryGroup, DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';
import { withWide } from '../../support/args.ts';
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
import { type Cell, type Column, Table } from '../../support/table.ts';
import type { Terminal } from '../../support/terminal.ts';

export function listCommand(terminal: Terminal, kind: DeliveryKind): Command {
  return withWide(withSelectionOptions(new Command('list'), terminal), terminal)
    .description('list them, one a line, the oldest first')
    .option('--group', 'print one line for each route, state and reason, with count, first and last time')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      `\nExit code: 0 shown, or there are none, 2 not shown.\n\nExample:\n  kazoo-relay ${kind.name} list --route crm --since 2d`,
    )
    .action((options: Options) =>
      withOperatorStore(terminal, options, async (store, config) => {
        const began = Date.now();
        const which = await filterOf(terminal, options, kind, store, config);
        const show = options.group ? showGroups : showDeliveries;
        const listed = await show(terminal, store, which, kind.detail, options);
        if (options.json) return;
        // On stderr, so that counting the lines of stdout gives 0.
        if (listed.size === 0) terminal.complain(nothingSelected(which, kind));
        for (const route of formerIn(listed, config))
          terminal.complain(`${route} is not in the configuration; "kazoo-relay status" says what that means`);
        if (kind.isLook && isAllOf(which)) await noteLook(terminal, store, began, which.route);
      }),
    );
}

interface Options extends Selection {
  readonly group?: true;
  readonly json?: true;
}

/** Whoever has seen some of a route hasn't seen the others. */
function isAllOf({ event, since }: DeliveryFilter): boolean {
  return event === undefined && since === undefined;
}

/** What is listed is seen, and `status` calls it new no longer. The list itself needs no disk that has room. */
async function noteLook(
  terminal: Terminal,
  store: OperatorStore,
  at: number,
  route: string | undefined,
): Promise<void> {
  try {
    await store.looked(at, route);
  } catch (error) {
    terminal.complain(`"kazoo-relay status" will go on calling these new: ${reasonOf(error)}`);
  }
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
  options: Options,
): Promise<Set<string>> {
  const routes = new Set<string>();
  const table = new Table(terminal, columnsOf(detail));
  for await (const page of pagesOf(store, which)) {
    for (const { route } of page) routes.add(route);
    if (options.json) for (const record of page) await terminal.print(printable(JSON.stringify(deliveryJson(record))));
    else await table.print(page.map((record) => rowOf(record, detail, terminal.time)));
  }
  return routes;
}

type Detail = DeliveryKind['detail'];
type Time = (at: number) => string;

/** Ids are for the next command, and never cut. */
function columnsOf({ head, spare }: Detail): Column[] {
  return [
    { head: 'ID' },
    { head, ...(spare && { spare }) },
    { head: 'ROUTE', min: 8 },
    { head: 'EVENT', min: 8, spare: 2 },
    { head: 'ACCOUNT', min: 8, spare: 4 },
    { head: 'RECEIVED', briefHead: 'AGE', spare: 1 },
    { head: 'TRIES', spare: 5 },
    { head: 'REASON', min: 12 },
  ];
}

function rowOf(record: DeliveryRecord, detail: Detail, time: Time): Cell[] {
  const { id, route, event, accountId, receivedAt, attempts, reason } = record;
  const about = [event ?? '-', accountId ?? '-', reason].map(printable);
  const [eventName = '', account = '', why = ''] = about;
  const tried = tries(attemptCount(attempts));
  const received = { text: time(receivedAt), brief: span(Date.now() - receivedAt) };
  return [id, detail.of(record, time), route || '-', eventName, account, received, tried, why];
}

async function showGroups(
  terminal: Terminal,
  store: OperatorStore,
  which: DeliveryFilter,
  detail: Detail,
  options: Options,
): Promise<Set<string>> {
  const groups = await store.groups(which);
  const table = new Table(terminal, groupColumnsOf(detail));
  if (options.json) for (const group of groups) await terminal.print(printable(JSON.stringify(groupJson(group))));
  else await table.print(groups.map((group) => groupRow(group, detail, terminal.time)));
  return new Set(groups.map(({ route }) => route));
}

function groupColumnsOf({ head }: Detail): Column[] {
  return [
    { head: 'COUNT', right: true },
    { head: 'ROUTE', min: 8 },
    { head, spare: 1 },
    { head: 'FIRST', spare: 2 },
    { head: 'LAST' },
    { head: 'REASON', min: 20 },
  ];
}

function groupRow(group: DeliveryGroup, detail: Detail, time: Time): string[] {
  const { count, route, first, last, reason } = group;
  return [String(count), route || '-', detail.of(group, time), time(first), time(last), printable(reason)];
}

function groupJson({ first, last, dueAt, ...group }: DeliveryGroup): object {
  return { ...group, first: isoTime(first), last: isoTime(last), due_at: isoTimeOrNull(dueAt) };
}
