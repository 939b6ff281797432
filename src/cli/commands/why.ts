import { Command } from 'commander';
import { pluralize, printable } from '../../common/text/format.ts';
import type { PartialConfig } from '../../config/load.ts';
import type { OperatorStore } from '../../journal/operator-store.ts';
import type { Found, Outage, Search } from '../../journal/reader.ts';
import type { Entry } from '../../notification/entry.ts';
import type { Fate } from '../../relay/fates.ts';
import { count, list, withTimeZone, withWide } from '../support/args.ts';
import { fateJson, openFateTeller, printFates } from '../support/deliveries/fates.ts';
import { isoTime } from '../support/deliveries/messages.ts';
import { withOperatorStore } from '../support/journal.ts';
import { resolveEvents } from '../support/lookup.ts';
import { describeProblems, notifications, stateOf, type Terminal } from '../support/terminal.ts';
import { type Moment, moment, momentHelp } from '../support/times.ts';

interface Options {
  readonly config?: string;
  readonly account?: readonly string[];
  readonly event?: readonly string[];
  readonly number?: string;
  readonly callId?: string;
  readonly since?: Moment;
  readonly limit: number;
  readonly json?: true;
}

export function whyCommand(terminal: Terminal): Command {
  return withWide(withTimeZone(new Command('why'), terminal), terminal)
    .description('show what happened to a notification on each route, and why')
    .argument('[id]', 'as `tail --json` shows it, or as a receiver got it')
    .option(
      '-e, --event <names>',
      'instead of an id: of these events, names and globs, separated by commas, or repeated',
      list,
    )
    .option('-a, --account <ids>', 'of these accounts, separated by commas, or repeated', list)
    .option('--number <number>', 'that contain this phone number or extension')
    .option('--call-id <id>', 'that contain this call id')
    .option('--since <when>', `received since then: ${momentHelp}`, moment)
    .option('-n, --limit <count>', 'how many, the newest first', count, 10)
    .option('--json', 'one JSON object a line, for programs')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .addHelpText('after', help)
    .action((id: string | undefined, options: Options) =>
      withOperatorStore(terminal, options, (store, config) => why(terminal, id, options, store, config)),
    );
}

const help = `
For each notification, it prints a line for each route: delivered, waiting, dead, quarantined, dropped, not wanted (and by which
selector or part of the condition), not reached yet, or older than the route.
If nothing matches, it prints what else arrived, and when a broker or the daemon was away. Without --since it searches about
30,000 notifications, not counting other events, and says how far back that is.
Exit code: 0 shown, 1 nothing matches, 2 wrong options, or a configuration or a journal that can't be read.

Examples:
  kazoo-relay why 0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55
  kazoo-relay why --event voicemail_new --account 4f5c7d1e9b8a4c3d8e2f1a0b9c8d7e6f --since 2d
  kazoo-relay why --number +4930123456
  kazoo-relay why --since today`;

async function why(
  terminal: Terminal,
  id: string | undefined,
  options: Options,
  store: OperatorStore,
  config: PartialConfig,
): Promise<void> {
  const tell = await openFateTeller(store, config, terminal);
  const json = options.json === true;
  if (id !== undefined) return whyOne(terminal, idAlone(id, options), store, tell, json);
  const wanted = await searchOf(terminal, options, store, config);
  const found = await store.search(wanted);
  for (const entry of found.entries) await show(terminal, entry, await tell(entry), store, json);
  if (found.entries.length === 0) terminal.exitCode = 1;
  if (json) return;
  const { time } = terminal;
  const lines =
    found.entries.length === 0 ? await whyNothing(wanted, found, store, time) : await missingSince(wanted, store, time);
  for (const line of [...lines, ...howFar(found, options.limit, time)]) await terminal.say(printable(line), 2);
}

/** @throws Error where something was said that goes without an id */
function idAlone(id: string, options: Options): string {
  for (const name of ['event', 'account', 'number', 'callId', 'since'] as const)
    if (options[name] !== undefined)
      throw new Error(`--${name === 'callId' ? 'call-id' : name} searches: give either an id or what to search for`);
  return id;
}

/** @throws Error where nothing was said to look for: it may have to read all that there is */
async function searchOf(
  terminal: Terminal,
  { event, account, number, callId, since, limit }: Options,
  store: OperatorStore,
  config: PartialConfig,
): Promise<Search> {
  if ([event, account, number, callId, since].every((given) => given === undefined))
    throw new Error('say which notification: an id, or any of --event, --account, --number, --call-id and --since');
  if (number !== undefined && !/\d\d/.test(number)) throw new Error('--number must have two digits at least');
  return {
    ...(event && { events: await resolveEvents(event, config, store) }),
    ...(account && { accounts: account }),
    ...(number !== undefined && { number }),
    ...(callId !== undefined && { callId }),
    ...(since !== undefined && { since: since(terminal) }),
    limit,
  };
}

async function whyOne(
  terminal: Terminal,
  id: string,
  store: OperatorStore,
  tell: (entry: Entry) => Promise<Fate[]>,
  json: boolean,
): Promise<void> {
  const entry = await store.entry(id);
  if (entry !== null) return show(terminal, entry, await tell(entry), store, json);
  terminal.exitCode = 1;
  terminal.complain(`the journal has no notification ${JSON.stringify(id)}; "kazoo-relay tail --json" shows the ids`);
  const published = publishedAt(id);
  if (published === null || json) return;
  const { time } = terminal;
  const { oldest } = await store.summary();
  const begins = oldest === null ? 'the journal is empty' : `the journal begins ${time(oldest)}`;
  const outages = await store.outages(published - around, published + around);
  for (const line of [`By its id it was published ${time(published)}; ${begins}.`, ...outageLines(outages, time)])
    await terminal.say(printable(line), 2);
}

/** Before and after it was published, in milliseconds, in which brokers that were away are told of. */
const around = 600_000;

/** Ids begin with the time that KAZOO gave them. */
function publishedAt(id: string): number | null {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i.exec(id) ?? [];
  return high === undefined ? null : Number.parseInt(`${high}${low}`, 16);
}

async function show(
  terminal: Terminal,
  entry: Entry,
  fates: readonly Fate[],
  store: OperatorStore,
  json: boolean,
): Promise<void> {
  const { time } = terminal;
  const { header } = entry;
  const others = await store.resendsOf(entry.seq);
  const redelivered = (await store.redeliveriesOf([entry.seq])).get(entry.seq) ?? null;
  if (json) {
    const { id, event, accountId, zone, receivedAt, occurredAt } = header;
    const times = { occurred_at: isoTime(occurredAt), received_at: isoTime(receivedAt) };
    const resends = {
      resend_of: entry.resendOf,
      also_published: others.map((other) => other.id),
      redelivered: redelivered && { count: redelivered.count, last: isoTime(redelivered.last) },
    };
    const line = { id, event, account_id: accountId, zone, state: stateOf(entry), ...times, ...resends };
    return terminal.print(printable(JSON.stringify({ ...line, routes: fates.map(fateJson) })));
  }
  await terminal.print(terminal.paint('bold', printable(`${header.event ?? 'no event'}  ${header.id}`)));
  const account = header.accountId === null ? 'no account' : `account ${header.accountId}`;
  const about = [
    `received ${time(header.receivedAt)}, ${header.zone === '' ? 'no zone' : `zone ${header.zone}`}, ${account}`,
    ...(entry.state === 'invalid' ? [`invalid: ${describeProblems(entry.problems)}`] : []),
    ...(redelivered === null
      ? []
      : [
          `the broker sent it ${pluralize(redelivered.count, 'more time')}, last ${time(redelivered.last)}; duplicates are dropped`,
        ]),
    ...others
      .slice(-mostResends)
      .map(({ id, receivedAt }) => `KAZOO has published it again: ${id}, received ${time(receivedAt)}`),
    ...(others.length > mostResends ? [`and ${others.length - mostResends} more before these: --json has all`] : []),
  ];
  for (const line of about) await terminal.say(printable(`  ${line}`), 4);
  await printFates(terminal, fates, 2);
}

const mostResends = 5;

/** The outages in a span in which something was found: further notifications of that span may be missing. */
async function missingSince({ since }: Search, store: OperatorStore, time: Time): Promise<string[]> {
  const outages = since === undefined ? [] : await store.outages(since, Date.now());
  return outages.length === 0 ? [] : outageLines(outages, time);
}

/** The report when nothing matches: what else arrived of that event and that account, and who was away. */
async function whyNothing(wanted: Search, found: Found, store: OperatorStore, time: Time): Promise<string[]> {
  const since = wanted.since ?? found.searchedTo ?? 0;
  const { events, accounts, number, callId } = wanted;
  const span = { since, limit: mostCounted };
  const isAnything = [events, accounts, number, callId].every((given) => given === undefined);
  const narrowed = number !== undefined || callId !== undefined || (events !== undefined && accounts !== undefined);
  return [
    `nothing fits since ${time(since)}`,
    ...(events !== undefined && narrowed
      ? [await cameIn(`of ${events.join(', ')}`, { ...span, events }, store, time)]
      : []),
    ...(accounts !== undefined && narrowed
      ? [await cameIn(`of the account ${accounts.join(', ')}`, { ...span, accounts }, store, time)]
      : []),
    ...((events !== undefined && accounts !== undefined) || isAnything
      ? []
      : [await cameIn('of anything', span, store, time)]),
    ...outageLines(await store.outages(since, Date.now()), time),
  ];
}

/** So many are counted at most. */
const mostCounted = 1_000;

/** `of missed_call: 12 notifications (missed_call 12), 2 resends among them, 1 duplicate dropped, the newest 08:00:00`. */
async function cameIn(what: string, wanted: Search, store: OperatorStore, time: Time): Promise<string> {
  const { entries, more } = await store.search(wanted);
  const [newest] = entries;
  if (newest === undefined) return `${what}: none`;
  const resends = entries.filter(({ resendOf }) => resendOf !== null).length;
  const known = `${more ? 'more than ' : ''}${notifications(entries.length)}`;
  const again = resends === 0 ? '' : `, ${pluralize(resends, 'resend')} among them`;
  const redelivered = await store.redeliveriesOf(entries.map(({ seq }) => seq));
  const copies = [...redelivered.values()].reduce((sum, { count }) => sum + count, 0);
  const dropped = copies === 0 ? '' : `, ${pluralize(copies, 'duplicate')} dropped`;
  const byEvent = Map.groupBy(entries, ({ header }) => header.event ?? 'no event');
  const counts = [...byEvent].map(([event, some]): [string, number] => [event, some.length]);
  const largest = counts.toSorted(([, one], [, other]) => other - one).slice(0, mostNamed);
  const names = largest.map(([event, number]) => `${event} ${number}`).join(', ');
  return `${what}: ${known} (${names})${again}${dropped}, the newest ${time(newest.header.receivedAt)}`;
}

const mostNamed = 5;

function outageLines(outages: readonly Outage[], time: Time): string[] {
  const lines = outages.slice(-mostOutages).map(({ since, until, zone, broker, reason }) => {
    const span = `${time(since)} to ${until === null ? 'now' : time(until)}`;
    return printable(
      broker === '' ? `${reason}: ${span}` : `the broker ${broker} of ${zone} was away ${span}: ${reason}`,
    );
  });
  return outages.length === 0 ? ['no broker was away, as far as the journal knows'] : lines;
}

const mostOutages = 10;

type Time = (at: number) => string;

function howFar({ entries, searchedTo, more }: Found, limit: number, time: Time): string[] {
  if (!more || searchedTo === null) return [];
  return entries.length === limit
    ? [`shown: the newest ${limit}, back to ${time(searchedTo)}; --limit for more`]
    : [`searched back to ${time(searchedTo)}; --since for more`];
}
