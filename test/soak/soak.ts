import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import amqp from 'amqplib';
import { stringify } from 'yaml';
import { within } from '../../src/waiting.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { startPostgres } from '../support/postgresql.ts';
import { startBroker } from '../support/rabbitmq.ts';
import { until } from '../support/until.ts';

const help = `node test/soak/soak.ts [--minutes 10] [--rate 500] [--output FILE]

Runs a daemon with a private RabbitMQ, a file and a private PostgreSQL, publishes notifications with confirms, and kills
broker, PostgreSQL and daemon at random; in the end every notification that the broker confirmed must be at both sinks.
Prints its figures as JSON. Exit code 0 if nothing is missing, else 1.`;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '500' },
    output: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}
const endAt = performance.now() + Number(values.minutes) * 60_000;
const rate = Number(values.rate);
const queue = 'kazoo-relay';

const kills = { broker: 0, database: 0, daemon: 0 };
const memory: { second: number; daemon: number; mebibytes: number }[] = [];
const started = performance.now();
const confirmed = new Set<string>();
let unconfirmed = 0;
let sent = 0;
/** While something else than the broker is broken, publishing goes on. */
let mayPublish = false;

await using things = new AsyncDisposableStack();
const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-soak-'));
things.defer(() => rmSync(folder, { recursive: true }));
const broker = await startBroker();
things.defer(() => broker.close());
const database = await startPostgres();
things.defer(() => database.close());
const file = join(folder, 'out.ndjson');
const config = join(folder, 'config.yaml');
writeFileSync(
  config,
  stringify({
    brokers: [{ zone: 'west', url: broker.url }],
    // The queue must hold all that comes while the daemon is away: what it drops is not ours to lose.
    queue: { name: queue, maxLength: 1_000_000, maxLengthBytes: '4GiB' },
    journal: { path: join(folder, 'journal') },
    http: { listen: 'off' },
    log: { format: 'json' },
    routes: {
      file: { sink: { type: 'file', path: file, maxSize: '100GiB', rotate: '24d' } },
      database: { circuit: { maxPause: '2s' }, sink: { type: 'database', url: database.url } },
    },
  }),
);
let daemon: Daemon = startDaemon(config);
things.defer(async () => void (await daemon.end('SIGKILL')));
await daemon.says('consuming').catch((error) => {
  throw new Error(`the daemon did not start. It said:\n${daemon.stderr}`, { cause: error });
});
mayPublish = true;

const stopping = new AbortController();
const publishing = publish(stopping.signal);
const watching = watchMemory(stopping.signal);
await killAtRandom();
stopping.abort();
await publishing;
console.error(`published ${confirmed.size}; waiting for all of them to arrive`);
let missing = await missingAtSinks();
for (const deadline = performance.now() + 300_000; missing.file + missing.database > 0; ) {
  if (performance.now() > deadline) break;
  await delay(2_000);
  missing = await missingAtSinks();
}
await watching;
const exitCode = await daemon.end('SIGTERM');
const report = {
  minutes: Number(values.minutes),
  rate,
  confirmed: confirmed.size,
  unconfirmed,
  missing: await missingAtSinks(),
  delivered: await deliveredAtSinks(),
  kills,
  daemonExitCode: exitCode,
  memory: memoryFigures(),
};
const text = JSON.stringify(report, null, 2);
console.log(text);
if (values.output !== undefined) writeFileSync(values.output, `${text}\n`);
if (report.missing.file + report.missing.database > 0 || exitCode !== 0) process.exitCode = 1;

/** One notification after the other, as fast as it should be, until it is told to stop. */
async function publish(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await until(() => mayPublish, { what: 'the broker', timeout: 120_000 });
    // A connection that breaks takes what isn't confirmed with it: nobody knows about that.
    await publishOnOneConnection(signal).catch(() => delay(100));
  }
}

async function publishOnOneConnection(signal: AbortSignal): Promise<void> {
  const connection = await amqp.connect(broker.url, { timeout: 5_000 });
  connection.on('error', () => undefined);
  const pending = new Set<string>();
  let isOpen = true;
  connection.on('close', () => {
    isOpen = false;
  });
  try {
    const channel = await within(5_000, 'the broker', connection.createConfirmChannel());
    channel.on('error', () => undefined);
    // Unroutable ones come back: our queue is not bound, so they don't count.
    const returned = new Set<string>();
    channel.on('return', (message) => void returned.add(String(message.properties.messageId)));
    const first = performance.now();
    let here = 0;
    while (isOpen && mayPublish && !signal.aborted) {
      for (const due = ((performance.now() - first) / 1_000) * rate; here < due && pending.size < 5_000; here += 1) {
        sent += 1;
        const id = `soak-${sent}`;
        pending.add(id);
        channel.publish('notifications', 'notifications.account.low_balance', body(id), options(id), (error) => {
          if (error === null && !returned.has(id)) confirmed.add(id);
          else unconfirmed += 1;
          pending.delete(id);
        });
      }
      await delay(10);
    }
    await until(() => pending.size === 0 || !isOpen, { what: 'the confirms', timeout: 10_000 });
  } finally {
    unconfirmed += pending.size;
    pending.clear();
    // One whose broker was killed may never answer.
    if (isOpen) await within(5_000, 'the broker', connection.close()).catch(() => undefined);
  }
}

function body(id: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      'App-Name': 'crossbar',
      'App-Version': '4.3',
      'Event-Category': 'notification',
      'Event-Name': 'low_balance',
      'Account-ID': 'f1e2d3c4b5a697887766554433221100',
      'Current-Balance': -1,
      'Msg-ID': id,
      Node: 'kazoo_apps@apps1.example.com',
    }),
  );
}

/** Persistent and mandatory, unlike KAZOO's own: what the broker loses when it is killed would not be ours to count. */
function options(id: string): amqp.Options.Publish {
  return {
    contentType: 'application/json',
    deliveryMode: 2,
    mandatory: true,
    messageId: id,
    timestamp: (Math.floor(Date.now() / 1_000) + 62_167_219_200) * 1e6,
  };
}

/** Kills the three in a random order, again and again, one every few seconds, and starts each again after a while. */
async function killAtRandom(): Promise<void> {
  const next: (() => Promise<void>)[] = [];
  for (;;) {
    await delay(Math.min(2_000 + Math.random() * 8_000, Math.max(0, endAt - performance.now())));
    if (performance.now() >= endAt) return;
    if (next.length === 0) next.push(killBroker, killDatabase, killDaemon);
    const [kill] = next.splice(Math.floor(Math.random() * next.length), 1);
    console.error(`${Math.round((performance.now() - started) / 1_000)} s, ${confirmed.size} published: ${kill?.name}`);
    await kill?.();
  }
}

async function killBroker(): Promise<void> {
  kills.broker += 1;
  // What is published while our queue isn't bound, nobody keeps: it stops first.
  mayPublish = false;
  const sessions = sessionsOf(daemon);
  await broker.kill();
  await delay(Math.random() * 3_000);
  await broker.start();
  await until(() => sessionsOf(daemon) > sessions, { what: 'the daemon to be back', timeout: 60_000 });
  mayPublish = true;
}

async function killDatabase(): Promise<void> {
  kills.database += 1;
  await database.kill();
  await delay(Math.random() * 5_000);
  await database.start();
}

async function killDaemon(): Promise<void> {
  kills.daemon += 1;
  await daemon.end('SIGKILL');
  await delay(Math.random() * 3_000);
  daemon = startDaemon(config);
  await daemon.says('consuming');
}

function sessionsOf({ stderr }: Daemon): number {
  return stderr.split('"consuming"').length;
}

async function watchMemory(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const mebibytes = residentMebibytes(daemon.process.pid);
    const second = Math.round((performance.now() - started) / 1_000);
    if (mebibytes !== null) memory.push({ second, daemon: kills.daemon, mebibytes });
    await delay(1_000, undefined, { signal }).catch(() => undefined);
  }
}

function residentMebibytes(pid: number | undefined): number | null {
  try {
    const [, kibibytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kibibytes === undefined ? null : Math.round(Number(kibibytes) / 1_024);
  } catch {
    return null;
  }
}

/** Of the whole run, and of the daemon that lived longest: each kill begins a new process. */
function memoryFigures(): object {
  const lives = Object.values(Object.groupBy(memory, ({ daemon: life }) => life)).map((samples) => samples ?? []);
  const longest = lives.toSorted((one, other) => other.length - one.length)[0] ?? [];
  return { unit: 'MiB', whole: figuresOf(memory), longestLife: { seconds: longest.length, ...figuresOf(longest) } };
}

function figuresOf(samples: typeof memory): object {
  const sizes = samples.map(({ mebibytes }) => mebibytes);
  const sorted = sizes.toSorted((one, other) => one - other);
  return { start: sizes[0], median: sorted[Math.floor(sorted.length / 2)], end: sizes.at(-1), most: sorted.at(-1) };
}

async function missingAtSinks(): Promise<{ file: number; database: number }> {
  const inFile = new Set(idsInFile());
  const inDatabase = new Set(await idsInDatabase());
  return { file: confirmed.difference(inFile).size, database: confirmed.difference(inDatabase).size };
}

async function deliveredAtSinks(): Promise<object> {
  const inFile = idsInFile();
  const inDatabase = await idsInDatabase();
  const figures = (ids: readonly string[]) => ({ rows: ids.length, duplicates: ids.length - new Set(ids).size });
  return { file: figures(inFile), database: figures(inDatabase) };
}

/** A line that a kill has cut in two is no delivery; it comes again. */
function idsInFile(): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/"msg_id":"(soak-\d+)"[^\n]*\n/g)].map(([, id = '']) => id);
}

async function idsInDatabase(): Promise<string[]> {
  const rows = await database.query(`SELECT data ->> 'msg_id' AS id FROM notifications`);
  return rows.map(({ id }) => String(id));
}
