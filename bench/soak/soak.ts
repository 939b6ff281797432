import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { until } from '../../test/support/until.ts';
import { build } from '../build.ts';
import { fileName, thisMachine } from '../report.ts';
import { arrivalsAt } from './arrivals.ts';
import { soakChart } from './chart.ts';
import { soakCluster } from './cluster.ts';
import { breakAtRandom, type Fault, faults } from './faults.ts';
import { startLoad } from './load.ts';
import { judge } from './memory.ts';
import { openStage } from './stage.ts';
import { watch } from './watch.ts';

const help = `npm run bench -- soak [--minutes 10] [--rate 500] [--faults ${faults.join(',')}]
npm run bench -- soak --cluster [--minutes 20] [--rate 500]

Runs a daemon with a private RabbitMQ, a file and a private PostgreSQL, publishes notifications with confirms, and kills
what --faults names (or none) at random; in the end every notification that the broker confirmed must be at both sinks.
Prints what is missing, what came twice and whether memory stays flat; writes bench/results/soak-<date>.json, and memory,
lag and rate over time as a chart beside it. Exit code 0 if nothing is missing and memory doesn't grow, else 1.

--cluster runs three daemons that share a journal instead, with a random fault of a daemon, of the database or of the link
to it every 10 s. Prints what is missing, what came twice, how long take-overs took, and the longest pause of intake.`;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    cluster: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    rate: { type: 'string', default: '500' },
    faults: { type: 'string', default: faults.join(',') },
    help: { type: 'boolean', default: false },
  },
});
const minutes = positive('minutes', values.minutes ?? (values.cluster ? '20' : '10'));
const rate = positive('rate', values.rate);
if (values.help) console.log(help);
else {
  build();
  if (values.cluster) process.exitCode = await soakCluster(minutes, rate, say);
  else await soak(minutes, rate, chosenFaults(values.faults));
}

async function soak(minutes: number, rate: number, chosen: readonly Fault[]): Promise<void> {
  await using stage = await openStage();
  const load = startLoad(stage.broker.url, rate);
  const watching = watch(stage, load);
  const broken = await breakAtRandom(chosen, stage, load, minutes * 60_000, say);
  await load.stop();
  say(`published ${load.confirmed.size}; waiting for all of them to arrive`);
  const arrivals = arrivalsAt([stage.file], stage.database);
  await until(async () => (await arrivals.missing(load.confirmed)) === 0, {
    what: 'all',
    interval: 2_000,
    timeout: 300_000,
  })
    // What is missing then is told below.
    .catch(() => undefined);
  // Once more, for those that come twice behind it.
  await delay(2_000);
  const sinks = await arrivals.count(load.confirmed);
  const samples = await watching.stop();
  const exitCode = await stage.daemon.end('SIGTERM');

  const memory = judge(samples);
  const date = new Date().toISOString();
  const { confirmed, unconfirmed } = load;
  const summary = {
    minutes,
    rate,
    faults: chosen,
    confirmed: confirmed.size,
    unconfirmed,
    sinks,
    broken: broken.length,
    exitCode,
    memory,
  };
  const name = fileName(`soak-${date}`);
  writeFileSync(
    `${name}.json`,
    `${JSON.stringify({ date, machine: thisMachine(), ...summary, events: broken, samples }, null, 1)}\n`,
  );
  writeFileSync(`${name}.svg`, soakChart(samples, broken));
  console.log(JSON.stringify(summary, null, 2));
  say(`written to ${name}.json and .svg`);
  const missing = Object.values(sinks).reduce((sum, sink) => sum + sink.missing, 0);
  if (missing > 0 || exitCode !== 0 || memory.flat === false) process.exitCode = 1;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`--${name} must be a number above 0`);
}

function chosenFaults(text: string): readonly Fault[] {
  const names = text === 'none' ? [] : text.split(',');
  return names.map((name) => {
    const fault = faults.find((known) => known === name);
    if (fault === undefined) throw new Error(`--faults: there is no ${name}; there are ${faults.join(', ')}, none`);
    return fault;
  });
}

function say(text: string): void {
  console.error(text);
}
