import { chownSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { codeOf } from '../../common/errors.ts';
import { makeFolder } from '../../common/fs/access.ts';
import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { readNamedFile } from '../../common/fs/named-file.ts';
import { pluralize, printable } from '../../common/text/format.ts';
import { type NewConfig, newConfigText } from '../../config/describe/new-config.ts';
import { type KazooBroker, parseKazooBrokers } from '../../kazoo/config-ini.ts';
import { packageFolder } from '../../ops/process.ts';
import { orExit, type Terminal } from '../support/terminal.ts';
import { check } from './check.ts';

type Broker = Pick<KazooBroker, 'zone' | 'url'>;

interface Options {
  readonly config?: string;
  readonly broker?: readonly Broker[];
  readonly kazooConfig?: string;
  readonly sink?: readonly string[];
  readonly journal?: string;
  readonly force?: true;
}

const usual = {
  config: '/etc/kazoo-relay/kazoo-relay.yaml',
  kazooConfig: '/etc/kazoo/core/config.ini',
  broker: 'amqp://guest:guest@127.0.0.1:5672',
  journal: '/var/lib/kazoo-relay',
  sink: '/var/log/kazoo-relay/notifications.ndjson',
} as const;

export function initCommand(terminal: Terminal): Command {
  return new Command('init')
    .description('write a first configuration, and try its brokers and sinks')
    .option('-c, --config <file>', `the file to write (default: ${usual.config})`)
    .option('--broker <url>', 'a RabbitMQ, as amqp://… or ZONE=amqp://…; may be repeated', broker)
    .option('--kazoo-config <file>', "KAZOO's config.ini, which names zones and brokers")
    .option('--sink <what>', 'a file, http(s)://…, a database (postgres://…), or log; may be repeated', each)
    .option('--journal <folder>', `where notifications are kept (default: ${usual.journal})`)
    .option('--force', 'write it although there is one, which is kept as FILE.old')
    .addHelpText('after', help)
    .action((options: Options) =>
      orExit(
        terminal,
        () => 2,
        () => init(terminal, options),
      ),
    );
}

const help = `
On a terminal it asks for what no option says. Brokers are taken from ${usual.kazooConfig} if it can be read. The file is
readable for its owner only, and the result is tried as by "kazoo-relay check --connect"; nothing is consumed or delivered.

Exit code: 0 written, and all can be used, 1 written, but a broker or sink can't be used, 2 not written.

Examples:
  kazoo-relay init
  kazoo-relay init --broker west=amqp://relay:secret@10.0.0.11 --sink https://crm.example.com/hooks --sink log`;

async function init(terminal: Terminal, options: Options): Promise<void> {
  const file = options.config ?? (terminal.env.KAZOO_RELAY_CONFIG || usual.config);
  if (!options.force) refuseExisting(file);
  const config = await answersOf(terminal, options);
  write(file, newConfigText(config));
  await terminal.say(printable(`${file} is written`));
  becomeOwnerOf(config.journal);
  await check(terminal, { config: file, connect: true });
  const start = file === usual.config ? 'systemctl enable --now kazoo-relay' : `kazoo-relay run --config ${file}`;
  const next =
    terminal.exitCode === 0 ? `next: ${start}` : `correct what failed in ${file}; then: kazoo-relay check --connect`;
  await terminal.say(printable(next));
}

/** The example that deploy/install.sh puts there is nobody's work. @throws Error where there is anything else */
function refuseExisting(file: string): void {
  if (!existsSync(file)) return;
  const example = join(packageFolder, 'config/systemd.yaml');
  if (existsSync(example) && readFileSync(file).equals(readFileSync(example))) return;
  throw new Error(
    `${file} exists already: name another file with --config, or add --force, which keeps it as ${file}.old`,
  );
}

/** The values of the options, and an operator's answers for the others. @throws Error if nobody is there to ask */
async function answersOf(terminal: Terminal, options: Options): Promise<NewConfig> {
  const asks = terminal.stdin.isTTY === true;
  const brokers =
    options.broker ?? (await kazooBrokers(terminal, options.kazooConfig, asks)) ?? (await askForBrokers(terminal));
  const journal =
    options.journal ?? (asks ? await terminal.ask('Folder of the journal', usual.journal) : usual.journal);
  const sinks = options.sink ?? (await askForSinks(terminal));
  return { brokers, journal: resolve(journal), sinks };
}

/**
 * What KAZOO's own configuration names: the file itself, where the daemon may read it too. Undefined where there is none, or an
 * operator wants others.
 * @param named by an option: then it must be there
 */
async function kazooBrokers(
  terminal: Terminal,
  named: string | undefined,
  asks: boolean,
): Promise<NewConfig['brokers'] | undefined> {
  const file = resolve(named ?? usual.kazooConfig);
  const brokers = brokersIn(file, named !== undefined);
  if (brokers.length === 0) {
    if (named !== undefined) throw new Error(`${file} names no broker`);
    return undefined;
  }
  const found = `${file} names ${pluralize(brokers.length, 'broker')}: ${brokers.map(shown).join(', ')}`;
  await terminal.say(printable(found), 2);
  if (named === undefined && asks && !/^(y(es)?)?$/i.test(await terminal.ask('Use them?', 'yes'))) return undefined;
  // root may read more than the service's user.
  return process.getuid?.() !== 0 || (statSync(file).mode & 0o004) !== 0 ? file : brokers;
}

function brokersIn(file: string, mustBe: boolean): readonly KazooBroker[] {
  try {
    return parseKazooBrokers(readNamedFile(file).toString(), 'local').brokers;
  } catch (cause) {
    if (!mustBe && ['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(cause) ?? '')) return [];
    throw new Error(`${file} can't be read: ${fileReasonOf(cause)}`, { cause });
  }
}

/** Without its password. */
function shown({ zone, url }: Broker): string {
  return `${zone} ${URL.canParse(url) ? new URL(url).host : 'with an invalid URL'}`;
}

async function askForBrokers(terminal: Terminal): Promise<Broker[]> {
  if (!terminal.stdin.isTTY)
    throw new Error("name a RabbitMQ with --broker, or KAZOO's config.ini with --kazoo-config");
  const url = await terminal.ask('URL of a RabbitMQ of KAZOO', usual.broker);
  const brokers = [{ zone: await terminal.ask('Its zone', 'local'), url }];
  for (;;) {
    const another = await terminal.ask('URL of another one', '');
    if (another === '') return brokers;
    brokers.push({ zone: await terminal.ask('Its zone', 'local'), url: another });
  }
}

async function askForSinks(terminal: Terminal): Promise<string[]> {
  if (!terminal.stdin.isTTY)
    throw new Error('say what gets the notifications with --sink: a file, http(s)://…, a database, or log');
  terminal.complain(
    'Notifications can go to a file, to https://…, to a database (postgres://, mysql://, sqlite:///…), or to log.',
  );
  const sinks = [await terminal.ask('Where do they go', usual.sink)];
  for (;;) {
    const another = await terminal.ask('And where else', '');
    if (another === '') return sinks;
    sinks.push(another);
  }
}

/**
 * Readable for its owner only; if root writes it for a service, also for the group of the folder. The previous file is
 * kept beside it.
 */
function write(file: string, text: string): void {
  try {
    makeFolder(dirname(resolve(file)), 0o700);
    const { gid } = statSync(dirname(resolve(file)));
    const isForGroup = process.getuid?.() === 0 && gid !== 0;
    if (existsSync(file)) renameSync(file, `${file}.old`);
    writeFileSync(file, text, { flag: 'wx', mode: isForGroup ? 0o640 : 0o600 });
    if (isForGroup) chownSync(file, 0, gid);
  } catch (cause) {
    throw new Error(`${file} can't be written: ${fileReasonOf(cause)}`, { cause });
  }
}

/** root gives up its rights for those of the user whose daemon it will be: what may be read and written is tried as that one. */
function becomeOwnerOf(folder: string): void {
  const owner = statSync(folder, { throwIfNoEntry: false });
  if (process.getuid?.() !== 0 || owner === undefined || owner.uid === 0) return;
  process.setgroups?.([owner.gid]);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
}

function broker(value: string, previous: readonly Broker[] = []): readonly Broker[] {
  const [, zone = 'local', url] = /^(?:([^=:/]+)=)?(amqps?:\/\/.+)$/.exec(value) ?? [];
  if (url === undefined) throw new InvalidArgumentError('It must be amqp://… or amqps://…, or ZONE=amqp://….');
  return [...previous, { zone, url }];
}

function each(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
