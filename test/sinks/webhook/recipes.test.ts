import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { exampleBody } from '../../../src/cli/support/example.ts';
import type { JsonObject } from '../../../src/common/json.ts';
import { loadConfig, readConfig } from '../../../src/config/load.ts';
import { events } from '../../../src/kazoo/catalogue.ts';
import { normalise } from '../../../src/kazoo/normalise.ts';
import { presetFormat } from '../../../src/sinks/webhook/formats/presets.ts';
import type { WebhookOptions } from '../../../src/sinks/webhook/options.ts';
import { type Arrival, startReceiver } from '../../support/receiver.ts';
import { body, deliveryOf, openOptions, webhookOptions } from '../../support/webhook.ts';

const pages = ['docs/reference/sinks/webhook.md', 'docs/tasks/send-to-a-chat.md'];
const page = pages.map((file) => readFileSync(file, 'utf8')).join('\n');
const examples = [...page.matchAll(/^```yaml\n(routes:\n {2}(\w+):\n.*?)^```/gms)].map(([, text = '', name = '']) => ({
  name,
  text,
}));
const auths = [...page.matchAll(/^```yaml\n(auth:\n.*?)^```/gms)].map(([, text = '']) => ({ text }));
const hostile = 'Eve "<!channel>" \\ @everyone\n</b>';

const open: { close(): Promise<void> }[] = [];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-recipes-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

describe('the pages of the webhook sink', () => {
  test('have the examples that are tested here', () => {
    const names = ['crm', 'legacy', 'slack', 'teams', 'discord', 'pagerduty', 'ntfy', 'telegram', 'summary'];
    expect(examples.map(({ name }) => name)).toEqual(names);
    expect(page.match(/^```yaml$/gm)).toHaveLength(names.length + auths.length);
  });

  test.each(examples)('$name is a configuration that works, with every event', async ({ name }) => {
    for (const event of events) {
      const [arrival] = await arrivalsOf(name, event.name, dataOf(event.name));
      expect(arrival).toBeDefined();
      if (arrival?.headers['content-type'] === 'application/json') JSON.parse(arrival.body);
    }
  });

  test('have an example of KAZOO’s own hooks without a secret in clear text', () => {
    const [text = ''] = examples.filter(({ name }) => name === 'legacy').map((example) => example.text);
    const file = join(folder, 'legacy.yaml');
    writeFileSync(file, `brokers: [{ zone: west, url: 'amqp://127.0.0.1' }]\n${text}`, { mode: 0o644 });
    expect(readConfig(file).warnings).toEqual([]);
  });

  test.each(auths)('says who we are in a way that works: $text', ({ text }) => {
    expect(() => webhookOptions({ url: 'https://host', ...parse(text) })).not.toThrow();
  });

  test('name each option of the sink', () => {
    const names = ['url', 'method', 'headers', 'format', 'fields', 'template', 'signature', 'timeout', 'concurrency'];
    for (const name of [...names, 'redirects', 'rateLimit', 'auth', 'tls', 'proxy', 'http2', 'allowPrivateNetworks']) {
      expect(page).toContain(name);
    }
  });
});

test('what a caller calls himself arrives as it is, and mentions nobody', async () => {
  const call = { caller_id_name: hostile, caller_id_number: '+15550100' };
  expect(await messageTo('slack', 'missed_call', call)).toMatchObject({
    text: 'Missed call from Eve "&lt;!channel&gt;" \\ @everyone &lt;/b&gt; +15550100',
  });
  expect(await messageTo('discord', 'voicemail_new', call)).toMatchObject({ allowed_mentions: { parse: [] } });
  expect(await messageTo('pagerduty', 'system_alert', { subject: hostile })).toMatchObject({
    routing_key: '00000000000000000000000000000000',
    dedup_key: 'i',
    payload: { summary: 'Eve "<!channel>" \\ @everyone </b>', severity: 'error' },
  });
  expect(await messageTo('ntfy', 'low_balance', {})).toMatchObject({ topic: 'my-kazoo', priority: 4 });
  expect(await messageTo('telegram', 'missed_call', call)).toMatchObject({ chat_id: '-1000000000000' });
});

test('several notifications are the message that the page shows', async () => {
  const digest = [
    ['missed_call', '14:01'],
    ['low_balance', '14:09'],
    ['missed_call', '14:14'],
  ] as const;
  const batch = digest.map(([event, time]) =>
    deliveryOf({ event, accountId: 'acme', occurredAt: Date.parse(`2026-11-24T${time}:00Z`), ...body(dataOf(event)) }),
  );
  const { text } = presetFormat('telegram', {}).several(batch);
  const [, shown = ''] = /^```text\n(.*?)^```/ms.exec(page.slice(page.indexOf('## One message for many'))) ?? [];
  expect(`${JSON.parse(text).text}\n`).toBe(shown);
});

async function messageTo(name: string, event: string, data: JsonObject): Promise<unknown> {
  const [arrival] = await arrivalsOf(name, event, data);
  return JSON.parse(arrival?.body ?? '');
}

async function arrivalsOf(name: string, event: string, data: JsonObject): Promise<Arrival[]> {
  const receiver = await startReceiver();
  open.push(receiver);
  const options = optionsOf(name);
  const { pathname, search } = new URL(options.url);
  const url = `${receiver.url}${decodeURIComponent(pathname)}${search}`;
  const sink = await openOptions({ ...options, url, proxy: 'none', rateLimit: undefined });
  open.push(sink);
  expect(await sink.send({ id: 'i', event, ...body(data) })).toMatchObject({ status: 'delivered' });
  return receiver.arrivals;
}

/** Those of the example, checked as a daemon would. */
function optionsOf(name: string): WebhookOptions {
  const file = join(folder, `${name}.yaml`);
  const text = examples.find((example) => example.name === name)?.text ?? '';
  writeFileSync(file, `brokers: [{ zone: west, url: amqp://127.0.0.1 }]\n${text}`);
  return loadConfig(file).routes[0]?.sink.options as WebhookOptions; // the sink of each example is a webhook
}

function dataOf(name: string): JsonObject {
  const event = events.find((candidate) => candidate.name === name);
  return event === undefined ? {} : normalise(exampleBody(event, 1_700_000_000_000, [])).data;
}
