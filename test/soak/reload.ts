import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';
import { askDaemon } from '../../src/ops/control.ts';
import type { ReloadReport } from '../../src/relay/reload.ts';
import { publishSteadily } from '../support/publisher.ts';
import { startBroker } from '../support/rabbitmq.ts';
import { startReceiver } from '../support/receiver.ts';
import { testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

const help = `node test/soak/reload.ts [--seconds 60] [--rate 1000]

Runs a daemon with a private RabbitMQ and publishes notifications, while each second its configuration changes and is loaded
again: routes are replaced, added and removed, and every fifth time the link to the broker too. In the end each
notification must have come exactly once out of each route. Prints its figures as JSON. Exit code 0 if so, else 1.`;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '1000' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}

await using things = new AsyncDisposableStack();
const broker = await startBroker();
things.defer(() => broker.close());
const taken: string[] = [];
const receiver = await startReceiver(({ body }) => {
  for (const { data } of JSON.parse(body)) taken.push(data.msg_id);
  return 200;
});
things.defer(() => receiver.close());

// What a queue drops that is full is not the daemon's to lose.
const queue = { maxLength: 1_000_000, maxLengthBytes: '4GiB' };
const relay = testRelay(broker.url, (path) => ({ queue, routes: routesAt(path, 0) }));
things.defer(() => relay.close());
relay.start();
await relay.daemon.says('"consuming"');

const publishing = publishSteadily(broker.url, Number(values.rate));
const durations: number[] = [];
let refused = 0;
for (let turn = 1; turn <= Number(values.seconds); turn += 1) {
  const config = parse(readFileSync(relay.config, 'utf8'));
  const linger = Math.floor(turn / 5) % 2 === 0 ? '3ms' : '4ms';
  writeFileSync(
    relay.config,
    stringify({ ...config, intake: { batch: { linger } }, routes: routesAt(relay.path, turn) }),
  );
  const started = performance.now();
  const report = (await askDaemon(relay.journal, 'reload')) as ReloadReport; // as the daemon answers
  durations.push(performance.now() - started);
  if (!report.reloaded) refused += 1;
  await delay(Math.max(0, 1_000 - (performance.now() - started)));
}
const published = await publishing.stop();
const outputs: Record<string, () => string[]> = {
  steady: () => relay.lines('out/steady'),
  changing: () => relay.lines('out/changing'),
  sometimes: () => relay.lines('out/sometimes'),
  hook: () => taken,
};
// The one that is there only sometimes must be there to catch up.
const config = parse(readFileSync(relay.config, 'utf8'));
writeFileSync(relay.config, stringify({ ...config, routes: routesAt(relay.path, 0) }));
await askDaemon(relay.journal, 'reload');
for (const [name, output] of Object.entries(outputs)) {
  const isThere = () => new Set(output()).size >= published.length;
  await until(isThere, { what: `all of ${name}`, timeout: 120_000, interval: 500 }).catch(console.error);
}
const exitCode = await relay.daemon.end('SIGTERM');

const figures = Object.fromEntries(
  Object.entries(outputs).map(([name, output]) => {
    const ids = output();
    const missing = new Set(published).difference(new Set(ids)).size;
    return [name, { delivered: ids.length, missing, twice: ids.length - new Set(ids).size }];
  }),
);
const sorted = durations.toSorted((one, other) => one - other);
const milliseconds = {
  median: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
  longest: Math.round(sorted.at(-1) ?? 0),
};
const reloads = { count: durations.length, refused, milliseconds };
console.log(
  JSON.stringify({ published: published.length, reloads, routes: figures, daemonExitCode: exitCode }, null, 2),
);
const isWrong = Object.values(figures).some(({ missing, twice }) => missing + twice > 0);
if (isWrong || refused > 0 || exitCode !== 0) process.exitCode = 1;

/** One that is always the same, one that is always another, one that is there at even turns only. */
function routesAt(path: (name: string) => string, turn: number): object {
  const isOdd = turn % 2 === 1;
  const file = (name: string) => ({ type: 'file', path: path(`out/${name}`), maxSize: '10GiB', rotate: '24d' });
  const order = isOdd ? 'account' : 'none';
  return {
    steady: { sink: file('steady') },
    changing: { order, where: isOdd ? 'valid' : 'event == "low_balance"', sink: file('changing') },
    hook: {
      timeout: isOdd ? '30s' : '40s',
      sink: { type: 'webhook', url: receiver.url, batch: { max: 100, linger: '50ms' } },
    },
    ...(isOdd ? {} : { sometimes: { sink: file('sometimes') } }),
  };
}
