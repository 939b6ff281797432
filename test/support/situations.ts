import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { runCli } from '../../src/cli/program.ts';
import { readConfig } from '../../src/config/load.ts';
import { createLog } from '../../src/ops/log.ts';
import { startRelay } from '../../src/relay/relay.ts';
import { type Reply, startReceiver } from './receiver.ts';
import { until } from './until.ts';

/** Something that is wrong, made with real parts: somebody who sees the page's first screen should know what, and what to do. */
export interface Situation {
  readonly name: string;
  /** What the receiver answers at the paths of the two webhooks. */
  readonly answers: Readonly<Record<'/crm' | '/billing', Reply>>;
  /** Brokers beside the one that there is. */
  readonly brokers?: readonly { readonly zone: string; readonly url: string }[];
  readonly where?: string;
  /** Arguments of `publish`. */
  readonly published: readonly (readonly string[])[];
  /** What the status says once it is so. */
  readonly isThere: RegExp;
}

const usual = [['--all'], ['voicemail_new', 'missed_call', '--count', '6'], ['low_balance', '--count', '4']];
const good = { '/crm': 204, '/billing': 204 } as const;

export const situations: readonly Situation[] = [
  {
    name: 'refused-login',
    answers: { ...good, '/crm': { status: 401, body: '{"error":"invalid token"}' } },
    published: usual,
    isThere: /sink of crm refuses everything/,
  },
  {
    name: 'broker-away',
    answers: good,
    brokers: [{ zone: 'east', url: 'amqp://kazoo:geheim@127.0.0.1:1' }],
    published: usual,
    isThere: /\(zone east\) is away/,
  },
  {
    name: 'failing-condition',
    answers: good,
    where: 'data.current_balance < 5',
    published: [...usual, ['low_balance', '--set', 'current_balance="4,20 EUR"', '--count', '12']],
    isThere: /condition of billing can.t be evaluated/,
  },
  {
    name: 'dead-letters',
    answers: { ...good, '/crm': { status: 422, body: 'unknown customer' } },
    published: usual,
    isThere: /crm has \d+ new dead letters/,
  },
];

export interface Staged {
  /** Where the page is. */
  readonly origin: string;
  /** One that logs in once. */
  link(): Promise<string>;
  close(): Promise<void>;
}

/** Starts a relay and waits until it is as the situation says. @param broker the URL of one that runs */
export async function stage(
  { answers, brokers = [], where, published, isThere }: Situation,
  broker: string,
): Promise<Staged> {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-situation-'));
  const config = join(folder, 'kazoo-relay.yaml');
  const receiver = await startReceiver(({ path }) => (path === '/crm' || path === '/billing' ? answers[path] : 404));
  const webhook = (path: string) => ({ type: 'webhook', url: `${receiver.url}${path}` });
  const billing = ['low_balance', 'topup', 'transaction'];
  writeFileSync(
    config,
    stringify({
      brokers: [{ zone: 'west', url: broker }, ...brokers],
      journal: { path: join(folder, 'journal') },
      http: { listen: '127.0.0.1:0' },
      log: { level: 'fatal' },
      routes: {
        archive: { sink: { type: 'file', path: join(folder, 'notifications.ndjson') } },
        crm: { events: ['voicemail_*', 'missed_call'], sink: webhook('/crm') },
        billing: { events: billing, ...(where !== undefined && { where }), sink: webhook('/billing') },
      },
    }),
  );
  const load = () => readConfig(config);
  const relay = await startRelay(load(), await createLog(load().config.log), { load });
  const run = (...args: string[]) => printed([...args, '--config', config]);
  const close = async () => {
    await relay.stop();
    await receiver.close();
    rmSync(folder, { recursive: true });
  };
  try {
    await until(() => relay.health.summary().includes('consuming from 1 of'), { what: 'the broker' });
    for (const args of published) await run('publish', ...args);
    await until(async () => isThere.test(await run('status')), { what: String(isThere) });
    const link = () => run('page');
    return { origin: new URL(await link()).origin, link, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a command prints. */
async function printed(args: readonly string[]): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const ended = runCli(args, { stdin: Readable.from([]), stdout, stderr: stderr.resume(), env: process.env });
  void ended.finally(() => stdout.end());
  return (await text(stdout)).trim();
}
