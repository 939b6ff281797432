// npm run screenshots: makes docs/page.png and docs/page-failures.png, of a daemon to which some things have happened.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { runCli } from '../src/cli/program.ts';
import { readConfig } from '../src/config/load.ts';
import { storeAt } from '../src/journal/open.ts';
import { createLog } from '../src/ops/log.ts';
import { startRelay } from '../src/relay/relay.ts';
import { openBrowser } from '../test/support/browser.ts';
import { startReceiver } from '../test/support/receiver.ts';
import { until } from '../test/support/until.ts';
import { startPrivateBroker } from './quickstart/private-broker.ts';

const answers: Readonly<Record<string, { status: number; body: string }>> = {
  '/crm': { status: 204, body: '' },
  '/billing': { status: 503, body: '' },
  '/legacy': { status: 422, body: 'unknown customer' },
};

const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-screenshots-'));
const broker = await startPrivateBroker();
const receiver = await startReceiver(({ path }) => answers[path] ?? 404);
const webhook = (path: string) => ({ type: 'webhook', url: `${receiver.url}${path}` });
const config = join(folder, 'kazoo-relay.yaml');
writeFileSync(
  config,
  stringify({
    brokers: [{ zone: 'west', url: broker.url }],
    journal: { path: join(folder, 'journal') },
    http: { listen: '127.0.0.1:0' },
    log: { level: 'warn' },
    routes: {
      archive: { sink: { type: 'file', path: join(folder, 'notifications.ndjson') } },
      crm: { events: ['voicemail_*', 'missed_call'], sink: webhook('/crm') },
      billing: { events: ['low_balance', 'topup', 'transaction'], sink: webhook('/billing') },
      legacy: { events: ['*_fax*'], sink: webhook('/legacy') },
    },
  }),
);
const load = () => readConfig(config);
const log = await createLog(load().config.log);
const relay = await startRelay(load(), log, { load });
const browser = await openBrowser();
try {
  await until(() => relay.health.summary().startsWith('consuming from 1 of 1'), { what: 'the broker' });
  for (const events of [['--all'], ['voicemail_new', 'missed_call', 'inbound_fax', '--count', '12']])
    await cli('publish', ...events, '--config', config);
  const store = await storeAt({ path: join(folder, 'journal') }).openOperatorStore();
  const isDone = async () =>
    (await store.groups({ states: ['dead'] })).some(({ count }) => count >= 12) &&
    (await store.summary()).routes.every(({ name, lag }) => name === 'billing' || lag.messages === 0);
  await until(isDone, { what: 'the deliveries' });
  await store.close();
  const link = await cli('page', '--config', config);
  const page = await browser.newPage({ viewport: { width: 1_120, height: 860 }, deviceScaleFactor: 1 });
  await page.goto(link.trim());
  await page.getByRole('button', { name: 'Log in by this link' }).click();
  await page.getByRole('heading', { level: 1 }).filter({ hasText: /need/ }).waitFor();
  await page.screenshot({ path: 'docs/page.png' });
  await page.getByRole('link', { name: 'Failures' }).click();
  await page.getByRole('button', { name: 'Retry…' }).first().waitFor();
  await page.screenshot({ path: 'docs/page-failures.png', clip: { x: 0, y: 0, width: 1_120, height: 520 } });
} finally {
  await browser.close();
  await relay.stop();
  await receiver.close();
  await broker.close();
  rmSync(folder, { recursive: true });
}

/** Runs a command, and gives what it prints. */
async function cli(...args: string[]): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  stderr.pipe(process.stderr, { end: false });
  const ended = runCli(args, { stdin: Readable.from([]), stdout, stderr, env: process.env }).finally(() =>
    stdout.end(),
  );
  const printed = await text(stdout);
  await ended;
  return printed;
}
