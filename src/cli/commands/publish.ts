import { isIPv4 } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { reasonOf } from '../../common/errors.ts';
import type { Json } from '../../common/json.ts';
import type { TlsFiles } from '../../common/net/tls.ts';
import { unescapedAt, unescapedAtMessage } from '../../common/options/value-checks.ts';
import { ownFolder } from '../../config/journal-place.ts';
import { loadConfig, loadOutlineConfig } from '../../config/load.ts';
import { findConfigFile } from '../../config/read/source.ts';
import { noLimits } from '../../kazoo/body.ts';
import { events as catalogue, eventNamed, exampleRoutingKey, unknownRoutingKeyPrefix } from '../../kazoo/catalogue.ts';
import { decode } from '../../kazoo/decode.ts';
import type { EventDefinition } from '../../kazoo/event.ts';
import { checkDaemon } from '../support/daemon-client.ts';
import { type Change, exampleBody } from '../support/example.ts';
import { findEvent } from '../support/lookup.ts';
import { connectPublisher, type Message, PublishError, type Publisher } from '../support/publisher.ts';
import { readNotifications } from '../support/read-notifications.ts';
import type { Terminal } from '../support/terminal.ts';
import { notifications, orExit } from '../support/terminal.ts';

interface Options {
  readonly all?: true;
  readonly count?: number;
  readonly rate?: number;
  readonly set?: readonly Change[];
  readonly file?: string;
  readonly url?: string;
  readonly config?: string;
  readonly wait?: number;
  readonly live?: true;
}

export function publishCommand(terminal: Terminal): Command {
  return new Command('publish')
    .description('publish example notifications to a test broker, exactly as KAZOO does')
    .argument('[events...]', 'names of events, as `kazoo-relay events` lists them')
    .option('--all', 'one example of every event')
    .option('-n, --count <count>', 'how many of each (default: 1)', count)
    .option('-r, --rate <rate>', 'at most so many a second', rate)
    .option('--set <key=value>', 'change the body (see below); may be repeated', change)
    .option(
      '--file <file>',
      'publish the bodies in this file unchanged: an object, an array, or one a line; - is stdin',
    )
    .option('--url <url>', 'the broker (default: the first one in the configuration)')
    .option('-c, --config <file>', 'configuration file')
    .option(
      '--wait <time>',
      'first wait until the daemon of the configuration is ready, so long at most: 30s, 2m',
      wait,
    )
    .option('--live', 'allow a broker on another machine or of KAZOO, which acts on what it gets')
    .addHelpText('after', help)
    .action((events: string[], options: Options) => orExit(terminal, codeOf, () => publish(terminal, events, options)));
}

const help = `
Each has a message id of its own and the current time. Keys of --set are as in KAZOO or in envelopes, with dots for nested ones; a
value is JSON, otherwise a string; an empty one removes the key. The routing keys of events that only KAZOO 5 has are unknown:
these are published with notifications.unknown.EVENT.
Exit code: 0 the broker confirmed all, 1 it didn't, 2 wrong options, or a file that can't be read.

Examples:
  kazoo-relay publish voicemail_new --url amqp://guest:guest@127.0.0.1:5672
  kazoo-relay publish missed_call --count 1000 --rate 50
  kazoo-relay publish low_balance --set account_id=4f5e6d --set text=
  kazoo-relay publish --file notifications.ndjson`;

function count(value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}

function rate(value: string): number {
  const perSecond = Number(value);
  if (value.trim() !== '' && perSecond > 0 && Number.isFinite(perSecond)) return perSecond;
  throw new InvalidArgumentError('It must be a number above 0.');
}

function wait(value: string): number {
  const [, amount, unit] = /^(\d{1,5})(s|m)$/.exec(value) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('It must be a time such as 30s or 2m.');
  return Number(amount) * (unit === 's' ? 1_000 : 60_000);
}

function change(value: string, previous: readonly Change[] = []): readonly Change[] {
  const [, key, text = ''] = /^([^=]+)=(.*)$/s.exec(value) ?? [];
  if (key === undefined) throw new InvalidArgumentError('It must look like key=value.');
  return [...previous, { path: key.split('.'), value: text === '' ? undefined : jsonOrString(text) }];
}

function jsonOrString(text: string): Json {
  try {
    return JSON.parse(text) as Json; // JSON.parse makes nothing else
  } catch {
    return text;
  }
}

function codeOf(error: unknown): number {
  return error instanceof PublishError ? 1 : 2;
}

async function publish(terminal: Terminal, names: readonly string[], options: Options): Promise<void> {
  const { broker, tls } = brokerOf(terminal, options);
  if (!options.live) refuseLive(broker);
  const messages = messagesOf(terminal, names, options);
  if (options.wait !== undefined) await daemonReady(terminal, options.config, options.wait);
  const publisher = await connectPublisher(broker.href, tls);
  try {
    if (!options.live) await refuseKazoo(publisher, broker);
    let sent = 0;
    let unsure = 0;
    for await (const message of messages) {
      await publisher.send(message);
      sent += 1;
      if (message.routingKey.startsWith(unknownRoutingKeyPrefix)) unsure += 1;
    }
    await publisher.confirmed();
    const note =
      unsure === 0 ? '' : `; KAZOO's routing key of ${unsure} is unknown, they have ${unknownRoutingKeyPrefix}EVENT`;
    await terminal.say(`published ${notifications(sent)} to ${broker.host}${note}`);
  } finally {
    await publisher.close();
  }
}

function brokerOf(
  terminal: Terminal,
  { url, config }: Options,
): { readonly broker: URL; readonly tls: TlsFiles | undefined } {
  if (url !== undefined && unescapedAt.test(url)) throw new Error(`--url ${unescapedAtMessage}`);
  const first =
    url === undefined ? loadConfig(findConfigFile(config, terminal.env), terminal).brokers[0] : { url, tls: undefined };
  const broker = first !== undefined && URL.canParse(first.url) ? new URL(first.url) : undefined;
  if (broker?.hostname && (broker.protocol === 'amqp:' || broker.protocol === 'amqps:')) {
    return { broker, tls: first?.tls };
  }
  throw new Error('--url must look like amqp://user:password@127.0.0.1:5672');
}

/** Before that, nobody has a queue on the broker that keeps what is published. @throws PublishError when the time is up */
async function daemonReady(terminal: Terminal, config: string | undefined, most: number): Promise<void> {
  const folder = ownFolder(loadOutlineConfig(findConfigFile(config, terminal.env), terminal.env).journal);
  const deadline = performance.now() + most;
  for (;;) {
    try {
      return await checkDaemon(folder, 'ready');
    } catch (error) {
      if (performance.now() >= deadline || terminal.interrupted.aborted)
        throw new PublishError(`nothing was published, because the daemon isn't ready: ${reasonOf(error)}`);
    }
    await delay(pollInterval, undefined, { signal: terminal.interrupted }).catch(() => undefined);
  }
}

/** Between two looks at the daemon, in milliseconds. */
const pollInterval = 250;

function refuseLive({ hostname, host }: URL): void {
  const name = hostname.toLowerCase();
  if (name === 'localhost' || name === '[::1]' || (isIPv4(name) && name.startsWith('127.'))) return;
  throw new Error(
    `${host} is not on this machine. A KAZOO on that broker would act on the notifications and e-mail its customers; ` +
      'if there is none, or you want that, add --live',
  );
}

/** Queues that the parts of KAZOO have which act on notifications. */
const kazooQueues = ['teletype_shared_listener', 'notify_listener', 'webhooks_shared_listener'];

async function refuseKazoo(publisher: Publisher, { host }: URL): Promise<void> {
  for (const queue of kazooQueues) {
    if (!(await publisher.hasQueue(queue))) continue;
    throw new Error(
      `${host} is the broker of a KAZOO: it has the queue ${queue}. KAZOO would act on the notifications and e-mail its ` +
        'customers; if you want that, add --live',
    );
  }
}

/** The messages to publish, each made when its turn has come. */
function messagesOf(terminal: Terminal, names: readonly string[], options: Options): AsyncGenerator<Message> {
  const turn = pacer(options.rate);
  if (options.file === undefined) return exampleMessages(eventsOf(names, options), options, turn);
  if (names.length === 0 && !options.all && options.count === undefined && options.set === undefined) {
    return fileMessages(options.file, terminal.stdin, turn);
  }
  throw new Error('--file publishes its contents unchanged: leave out the events, --all, --count and --set');
}

function eventsOf(names: readonly string[], { all }: Options): readonly EventDefinition[] {
  if (all && names.length > 0) throw new Error('name events or give --all, not both');
  if (all) return catalogue;
  if (names.length === 0) throw new Error('name the events to publish, or give --all or --file');
  return names.map((name) => findEvent(name, catalogue));
}

type Turn = () => Promise<void>;

/** Resolves when the next message may go, so that there are no more a second than that. */
function pacer(perSecond: number | undefined): Turn {
  if (perSecond === undefined) return async () => undefined;
  let start: number | undefined;
  let turns = 0;
  return async () => {
    start ??= performance.now();
    const wait = start + (turns * 1000) / perSecond - performance.now();
    turns += 1;
    if (wait > 0) await delay(wait);
  };
}

async function* exampleMessages(
  events: readonly EventDefinition[],
  { count = 1, set = [] }: Options,
  turn: Turn,
): AsyncGenerator<Message> {
  for (let round = 0; round < count; round += 1) {
    for (const event of events) {
      await turn();
      const time = Date.now();
      yield {
        routingKey: exampleRoutingKey(event),
        body: Buffer.from(JSON.stringify(exampleBody(event, time, set))),
        time,
      };
    }
  }
}

async function* fileMessages(file: string, stdin: Readable, turn: Turn): AsyncGenerator<Message> {
  let time = 0;
  for await (const body of readNotifications(file, stdin)) {
    await turn();
    // Two that are equal would be taken for one that came twice, if they had the same millisecond too.
    time = Math.max(Date.now(), time + 1);
    yield { routingKey: routingKeyOf(body), body, time };
  }
}

/** The key of the event that the body says it is. */
function routingKeyOf(body: Buffer): string {
  const message = { routingKey: '', contentEncoding: undefined, timestamp: undefined, zone: '', receivedAt: 0 };
  const { event } = decode({ ...message, body }, noLimits).header;
  const definition = event === null ? undefined : eventNamed(event);
  return exampleRoutingKey(definition ?? { name: 'unknown', routingKey: null });
}
