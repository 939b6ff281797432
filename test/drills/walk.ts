import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { freePort } from '../../scripts/quickstart/free-port.ts';
import { cli } from '../support/cli.ts';
import { ask, httpAddress, total } from '../support/http.ts';
import { publishAsKazoo } from '../support/kazoo.ts';
import { startProxy } from '../support/proxy.ts';
import { startBroker } from '../support/rabbitmq.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

const help = `node test/drills/walk.ts

Walks the drills of docs/operations/runbook.md: a daemon with a private RabbitMQ, a webhook and a Prometheus with our alerts and the
queries of our dashboard. For each fault it prints what status, the dashboard and the alerts say, and what is left of it when
the fault is gone; the alerts wait seconds where they wait minutes. Needs root, for a small disk to fill. Exit code 0 if all
tell the true story, else 1.`;

if (process.argv.length > 2) {
  console.log(help);
  process.exit(0);
}

if (spawnSync('prometheus', ['--version']).status !== 0) {
  console.error('there is no prometheus: apt-get install prometheus');
  process.exit(2);
}

await using things = new AsyncDisposableStack();
// Whoever interrupts it gets all cleaned up too.
const clean = () => void things.disposeAsync().finally(() => process.exit(130));
process.once('SIGINT', clean).once('SIGTERM', clean);
const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-drills-'));
things.defer(() => rmSync(folder, { recursive: true }));

const disk = join(folder, 'disk');
mkdirSync(disk);
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'none', disk]);
things.defer(() => void execFileSync('umount', [disk]));

const broker = await startBroker();
things.defer(() => broker.close());
const proxy = await startProxy(Number(new URL(broker.url).port));
things.defer(() => proxy.close());
const throughProxy = new URL(broker.url);
throughProxy.port = String(proxy.port);

let receiver: Receiver = await startReceiver();
things.defer(() => receiver.close());
const port = await freePort();
const relay = testRelay(
  throughProxy.href,
  () => ({
    http: { listen: `127.0.0.1:${port}` },
    intake: { watch: { interval: '1s', stalledAfter: '5s' } },
    routes: { crm: { circuit: { failures: 1, maxPause: '2s' }, sink: { type: 'webhook', url: receiver.url } } },
  }),
  join(disk, 'journal'),
);
things.defer(() => relay.close());
const daemon = relay.start();
const address = await httpAddress(daemon);
await daemon.says('"consuming"');
const prometheus = await startPrometheus();

const filler = { Text: 'x'.repeat(2_000) };

interface Drill {
  readonly fault: string;
  make(): unknown;
  /** How many notifications are published while it lasts. */
  readonly publishes: number;
  readonly status: RegExp;
  /** Titles of the dashboard's panels, and what they show then. */
  readonly shows: Readonly<Record<string, (value: number) => boolean>>;
  readonly ready: number | undefined;
  readonly alert: string;
  mend(): unknown;
}

const drills: readonly Drill[] = [
  {
    fault: 'The broker is gone',
    make: () => broker.stop(),
    publishes: 0,
    status: /away .*(ECONNREFUSED|ECONNRESET|closed|refused)/s,
    shows: { 'Brokers not consumed from': (value) => value === 1 },
    ready: 503,
    alert: 'KazooRelayBrokerAway',
    mend: () => broker.start(),
  },
  {
    fault: 'The sink is gone',
    make: () => receiver.close(),
    publishes: 200,
    status: /sink away.*ECONNREFUSED/s,
    shows: { 'Sinks away': (value) => value === 1, 'Waiting for a try': (value) => value >= 1 },
    ready: 200,
    alert: 'KazooRelaySinkAway',
    mend: async () => {
      receiver = await startReceiver(() => 200, { port: receiver.port });
    },
  },
  {
    fault: 'The disk is full',
    // As the page has it.
    make: () =>
      execFileSync('sh', ['-c', `fallocate -l $(df --output=avail -B1 ${disk} | tail -1) ${join(disk, 'filler')}`]),
    // More than fit into the pages that are there already.
    publishes: 200,
    status: /paused/,
    shows: { 'Intake paused': (value) => value === 1, 'Held, not yet on disk': (value) => value > 0 },
    ready: 503,
    alert: 'KazooRelayIntakePaused',
    mend: () => rmSync(join(disk, 'filler')),
  },
  {
    fault: 'The consumer is stuck',
    make: () => proxy.dropDeliveries(),
    // What the broker has sent it counts as under way: beyond `intake.prefetch`, some wait in the queue.
    publishes: 1_200,
    status: /consuming/,
    shows: { stalls: (value) => value > 0 },
    ready: 200,
    alert: 'KazooRelayStalls',
    mend: () => undefined,
  },
  {
    fault: 'The daemon is stuck',
    make: () => daemon.process.kill('SIGSTOP'),
    publishes: 200,
    status: /does not answer/,
    shows: {},
    ready: undefined,
    alert: 'KazooRelayDown',
    mend: () => daemon.process.kill('SIGCONT'),
  },
];

let published = (await publishAsKazoo(broker.url, 10)).length;
await allIsWell();
for (const drill of drills) await walk(drill).catch((error) => fail(`${drill.fault}: ${error}`));
await daemon.end(process.exitCode === 1 ? 'SIGKILL' : 'SIGTERM');

async function walk(drill: Drill): Promise<void> {
  console.log(`\n## ${drill.fault}`);
  await drill.make();
  try {
    await look(drill);
  } finally {
    await drill.mend();
  }
  await allIsWell();
}

async function look({ fault, publishes, status, shows, ready, alert }: Drill): Promise<void> {
  if (publishes > 0) published += (await publishAsKazoo(broker.url, publishes, filler)).length;
  const text = await until(async () => tellingOf(status), { what: `status to say ${status}`, interval: 200 });
  console.log(text.trim().replaceAll(/^/gm, '    '));
  for (const [title, holds] of Object.entries(shows)) {
    const value = await until(async () => valueIf(await prometheus.panel(title), holds), {
      what: title,
      interval: 500,
    });
    console.log(`dashboard: ${title} ${value.found}`);
  }
  if (ready !== undefined) {
    const answered = (await ask(address, '/readyz')).status;
    console.log(`/readyz ${answered}`);
    if (answered !== ready) fail(`${fault}: /readyz should be ${ready}`);
  }
  await until(async () => (await prometheus.firing()).includes(alert), { what: alert, interval: 500 });
  console.log(`alerts: ${(await prometheus.firing()).join(', ')}`);
}

async function tellingOf(pattern: RegExp): Promise<string | undefined> {
  const { stdout, stderr } = await cli(['status', '--config', relay.config]);
  return pattern.test(stdout + stderr) ? stdout + stderr : undefined;
}

/** Everything was delivered, no alert fires that the fault has brought, and nothing is a dead letter. */
async function allIsWell(): Promise<void> {
  // What counts what has happened keeps firing while it is in the window that it looks at.
  const isPast = (name: string) => name === 'KazooRelayStalls' || name === 'KazooRelayReconnects';
  await until(async () => (await prometheus.firing()).every(isPast), {
    what: 'the alerts to end',
    timeout: 120_000,
    interval: 500,
  });
  const page = await until(
    async () => {
      const { body } = await ask(address, '/metrics');
      return total(body, 'kazoo_relay_delivery_attempts_total', { outcome: 'delivered' }) >= published && body;
    },
    { what: 'all to be delivered', interval: 500 },
  );
  const delivered = total(page, 'kazoo_relay_delivery_attempts_total', { outcome: 'delivered' });
  const valid = total(page, 'kazoo_relay_notifications_total', { outcome: 'valid' });
  const dead = total(page, 'kazoo_relay_deliveries_dead');
  console.log(`mended: ${published} published, ${valid} valid, ${delivered} delivered, ${dead} dead letters`);
  if (delivered !== valid || valid !== published || dead !== 0) fail('these should be equal, and no dead letters');
}

function valueIf(found: number | undefined, holds: (value: number) => boolean): { found: number } | undefined {
  return found !== undefined && holds(found) ? { found } : undefined;
}

function fail(text: string): void {
  console.log(`NOT SO: ${text}`);
  process.exitCode = 1;
}

/** Prometheus with our alerts, which wait for a sixtieth of their time, and the queries of our dashboard. */
async function startPrometheus() {
  const rules = parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8'));
  for (const group of rules.groups) {
    group.interval = '1s';
    for (const rule of group.rules)
      if (rule.for !== undefined)
        rule.for = rule.for
          .replace(/^(\d+)h$/, (_: string, hours: string) => `${60 * Number(hours)}m`)
          .replace(/(\d+)m/, '$1s');
  }
  writeFileSync(join(folder, 'alerts.yaml'), stringify(rules));
  const { scrape_configs } = parse(readFileSync('deploy/prometheus/scrape.yaml', 'utf8'));
  scrape_configs[0].scrape_interval = '1s';
  scrape_configs[0].static_configs[0].targets = [address];
  writeFileSync(join(folder, 'prometheus.yml'), stringify({ rule_files: ['alerts.yaml'], scrape_configs }));
  const listen = `127.0.0.1:${await freePort()}`;
  const server = spawn(
    'prometheus',
    [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/tsdb`, `--web.listen-address=${listen}`],
    { stdio: 'ignore' },
  );
  const ended = once(server, 'exit');
  things.defer(async () => {
    server.kill();
    await ended;
  });
  const get = async (path: string) => JSON.parse((await ask(listen, path)).body).data;
  await until(() => get('/api/v1/alerts').catch(() => undefined), { what: 'Prometheus', interval: 200 });
  const { panels } = JSON.parse(readFileSync('deploy/grafana/kazoo-relay.json', 'utf8'));
  return {
    async firing(): Promise<string[]> {
      const { alerts } = await get('/api/v1/alerts');
      const names = alerts
        .filter(({ state }: { state: string }) => state === 'firing')
        .map(({ labels }: { labels: { alertname: string } }) => labels.alertname);
      return [...new Set<string>(names)].sort();
    },
    /** What a query of the dashboard that is called so gives just now. */
    async panel(title: string): Promise<number | undefined> {
      const targets = panels.flatMap((panel: { title: string; targets?: { legendFormat?: string; expr: string }[] }) =>
        (panel.targets ?? []).filter(({ legendFormat }) => panel.title === title || legendFormat === title),
      );
      if (targets.length === 0) throw new Error(`the dashboard has nothing that is called ${title}`);
      const expr = targets[0].expr.replaceAll(/\$(instance|route)/g, '.*').replaceAll('$__rate_interval', '1m');
      const { result } = await get(`/api/v1/query?query=${encodeURIComponent(expr)}`);
      return result.length === 0 ? undefined : Number(result[0].value[1]);
    },
  };
}
