import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { findConfigFile, loadConfig } from '../config/load.ts';
import { openDesk } from '../journal/desk.ts';
import type { Attempt, Desk, Letter, LetterGroup, Letters } from '../journal/journal.ts';
import { createMatcher, type Decision } from '../routes/match.ts';
import { shape } from '../routes/shape.ts';
import { createValidator, type Validator } from '../schema/validator.ts';
import { moment } from './arguments.ts';
import { columns } from './columns.ts';
import { exitCode2, orExit } from './exit.ts';
import { notifications, paint, print, printable } from './output.ts';

interface Selection {
  readonly config?: string;
  readonly route?: string;
  readonly event?: string;
  readonly since?: number;
}

/** Lines that are in memory at a time. */
const pageSize = 500;

export function deadCommand(): Command {
  return new Command('dead')
    .description('dead letters and quarantine: list, show, retry, drop')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(retryCommand())
    .addCommand(dropCommand())
    .addHelpText('after', help);
}

const help = `
States: dead (given up), quarantined (invalid or unknown, and its route wants only valid ones), undecodable (not even JSON).

Examples:
  kazoo-relay dead list --group
  kazoo-relay dead show 0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55
  kazoo-relay dead retry --route crm --event voicemail_new
  kazoo-relay dead drop --route crm --yes`;

function selecting(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option('-r, --route <name>', 'only of this route')
    .option('-e, --event <name>', 'only this event')
    .option('--since <when>', 'only what came in since then: 30m, 2h, 7d, or 2026-11-24T08:00:00Z', moment);
}

const failed = () => 2;

function listCommand(): Command {
  return selecting(exitCode2(new Command('list')))
    .description('one line each, oldest first')
    .option('--group', 'one line for each route, state and reason, with count, first and last time')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', '\nExample:\n  kazoo-relay dead list --route crm --since 2d')
    .action((options: Selection & { group?: true; json?: true }) =>
      orExit(failed, () => atDesk(options, (desk) => (options.group ? showGroups : showLetters)(desk, options))),
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

const groupHead = ['COUNT', 'ROUTE', 'STATE', 'FIRST', 'LAST', 'REASON'];

function groupRow(group: LetterGroup): string[] {
  const { first, last } = timesOf(group);
  return [String(group.count), group.route || '-', group.state, first, last, printable(group.reason)];
}

function timesOf({ first, last }: LetterGroup): { first: string; last: string } {
  return { first: timeOf(first), last: timeOf(last) };
}

function rowOf({ id, state, route, event, accountId, receivedAt, attempts, reason }: Letter): string[] {
  const about = [event ?? '-', accountId ?? '-'].map(printable);
  return [id, state, route || '-', ...about, timeOf(receivedAt), `${triesOf(attempts)} tries`, printable(reason)];
}

function jsonOf({ number, seq, accountId, receivedAt, updatedAt, dueAt, ...letter }: Letter): object {
  return { ...letter, account_id: accountId, received_at: timeOf(receivedAt), updated_at: timeOf(updatedAt) };
}

function showCommand(): Command {
  return exitCode2(new Command('show'))
    .description('the envelope of one, its problems, and every try')
    .argument('<id>', 'as `dead list` shows it')
    .option('-c, --config <file>', 'configuration file of the daemon')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  kazoo-relay dead show 0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55')
    .action((id: string, options: Selection & { json?: true }) =>
      orExit(failed, () => atDesk(options, (desk) => show(desk, id, options.json === true))),
    );
}

async function show(desk: Desk, id: string, json: boolean): Promise<void> {
  const entry = await desk.entry(id);
  if (entry === null) throw new Error(`the journal has no notification ${JSON.stringify(id)}`);
  const { envelope } = shape(entry, []);
  const lines = await desk.linesOf(entry.seq);
  if (json) {
    await print(printable(JSON.stringify({ envelope, deliveries: lines.map(jsonOf) })));
    return;
  }
  // Line feeds between its lines are ours; in its strings they are escapes already.
  await print(JSON.stringify(envelope, null, 2).split('\n').map(printable).join('\n'));
  if (lines.length === 0) await print('\nevery route has settled it');
  for (const line of lines) {
    const due = line.dueAt === null || line.dueAt === 0 ? '' : `, due ${timeOf(line.dueAt)}`;
    await print(`\n${paint('bold', line.route || 'all routes')}: ${line.state}${due}, ${printable(line.reason)}`);
    if (line.attempts.length > 0) await print(columns(line.attempts.map(attemptRow)));
  }
}

function attemptRow({ at, duration, outcome, code, reason }: Attempt): string[] {
  return [`  ${timeOf(at)}`, `${duration} ms`, outcome, String(code ?? '-'), printable(reason)];
}

function retryCommand(): Command {
  return choosing(selecting(exitCode2(new Command('retry'))))
    .description('deliver again; what is quarantined is validated again first')
    .addHelpText('after', '\nExample:\n  kazoo-relay dead retry --route crm --event voicemail_new')
    .action((ids: string[], options: Choice) =>
      orExit(failed, () => atDesk(options, (desk, config) => retry(desk, config, chosenBy(ids, options)))),
    );
}

interface Choice extends Selection {
  readonly all?: true;
  readonly yes?: true;
}

function choosing(command: Command): Command {
  return command.argument('[ids...]', 'as `dead list` shows them').option('--all', 'all there are');
}

/** @throws Error where nothing was chosen: no command means all by saying nothing */
function chosenBy(ids: readonly string[], options: Choice): Letters {
  const which = lettersOf(options);
  if (ids.length > 0) return { ...which, ids };
  if (options.all || Object.keys(which).length > 0) return which;
  throw new Error('say which ones: ids, --route, --event, --since or --all');
}

async function retry(desk: Desk, config: Config, which: Letters): Promise<void> {
  const judge = createJudge(desk, config);
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
}

/** Says why one can't be delivered again, or null where it can. */
function createJudge(desk: Desk, config: Config): (letter: Letter) => Promise<string | null> {
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

function dropCommand(): Command {
  return choosing(selecting(exitCode2(new Command('drop'))))
    .description('give up for good: they count as settled')
    .addHelpText('after', '\nExample:\n  kazoo-relay dead drop --route crm --event register --yes')
    .option('-y, --yes', "don't ask")
    .action((ids: string[], options: Choice) =>
      orExit(failed, () => atDesk(options, (desk) => drop(desk, chosenBy(ids, options), options.yes === true))),
    );
}

async function drop(desk: Desk, which: Letters, sure: boolean): Promise<void> {
  const groups = await desk.groups(which);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  if (count === 0 || !(sure || (await confirm(`Drop ${notifications(count)}? They will not be delivered.`)))) {
    await print('nothing was dropped');
    return;
  }
  let dropped = 0;
  for await (const page of pagesOf(desk, which)) dropped += await desk.drop(page);
  await print(`${notifications(dropped)} dropped`);
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error('there is nobody to ask: add --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

async function atDesk(options: Selection, work: (desk: Desk, config: Config) => Promise<void>): Promise<void> {
  const config = loadConfig(findConfigFile(options.config));
  const desk = openDesk(config.journal.path);
  try {
    await work(desk, config);
  } finally {
    await desk.close();
  }
}

function lettersOf({ route, event, since }: Selection): Letters {
  return { ...(route && { route }), ...(event && { event }), ...(since !== undefined && { since }) };
}

async function* pagesOf(desk: Desk, which: Letters): AsyncGenerator<Letter[]> {
  for (let after = 0; ; ) {
    const page = await desk.letters(which, after, pageSize);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.number;
  }
}

function triesOf(attempts: readonly Attempt[]): number {
  return attempts.filter(({ outcome }) => outcome !== 'restart').length;
}

function timeOf(time: number): string {
  return new Date(time).toISOString();
}
