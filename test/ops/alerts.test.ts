import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { cli } from '../support/cli.ts';
import { ask, httpAddress, total } from '../support/http.ts';
import { publishAsKazoo } from '../support/kazoo.ts';
import { promtool } from '../support/prometheus.ts';
import { type BreakableBroker, shareBreakableBroker } from '../support/rabbitmq.ts';
import { startReceiver } from '../support/receiver.ts';
import { type TestRelay, testRelay } from '../support/relay.ts';
import { until } from '../support/until.ts';

const rulesFile = 'deploy/prometheus/alerts.yaml';
const rules = rulesIn(parse(readFileSync(rulesFile, 'utf8')));

let folder: string;
let broker: BreakableBroker;
let relay: TestRelay | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-alerts-'));
  broker = await shareBreakableBroker();
});

afterEach(async () => {
  await relay?.close();
  relay = undefined;
});

afterAll(async () => {
  await broker.close();
  rmSync(folder, { recursive: true });
});

describe('the alerts', () => {
  test('fire for a daemon whose broker and sink are away and that has new dead letters, and not before', async () => {
    const receiver = await startReceiver(({ body }) => (JSON.parse(body).data.current_balance === 13 ? 422 : 200));
    const { page, path } = await started((file) => ({
      routes: {
        crm: { circuit: { failures: 1 }, sink: { type: 'webhook', url: receiver.url } },
        archive: { sink: { type: 'file', path: file('archive/notifications.ndjson') } },
      },
    }));
    mkdirSync(path('archive'));
    await publishAsKazoo(broker.url, 3);
    await until(async () => total(await page(), 'kazoo_relay_lag_messages') === 0, { what: 'all to be delivered' });
    const healthy = await page();
    expect(firing([healthy])).toEqual([]);

    await publishAsKazoo(broker.url, 1, { 'Current-Balance': 13 });
    await until(async () => total(await page(), 'kazoo_relay_dead_letters_total') === 1, { what: 'a dead letter' });
    await receiver.close();
    await publishAsKazoo(broker.url, 1);
    await until(async () => total(await page(), 'kazoo_relay_circuit_state', { route: 'crm', state: 'closed' }) === 0, {
      what: 'the circuit to open',
    });
    await broker.stop();
    await until(async () => total(await page(), 'kazoo_relay_broker_state', { state: 'consuming' }) === 0, {
      what: 'the broker to be missed',
    });
    const failing = await page();
    await broker.start();
    expect(firing([healthy, failing])).toEqual(['KazooRelayBrokerAway', 'KazooRelayDeadLetters', 'KazooRelaySinkAway']);
  });

  test('fire for a daemon whose journal is full, of which the status says why, and whose sink can take nothing of it', async () => {
    const { page } = await started((file) => ({
      journal: { path: file('journal'), maxSize: '256KiB' },
      routes: { broken: { sink: { type: 'file', path: file('.') } } },
    }));
    const healthy = await page();
    await until(
      async () => {
        await publishAsKazoo(broker.url, 50, { Text: 'x'.repeat(1_000) });
        return total(await page(), 'kazoo_relay_intake_paused') === 1;
      },
      { what: 'intake to pause' },
    );
    // What is read from the journal may be some looks old: see `cachedByCost`.
    const filled = (text: string) => firing([text]).includes('KazooRelayJournalFills');
    await until(async () => filled(await page()), { what: 'the page to tell of a full journal' });
    const full = await page();
    expect(total(full, 'kazoo_relay_intake_held_messages')).toBeGreaterThan(0);
    const { stdout } = await cli(['status', '--config', relay?.config ?? '']);
    expect(stdout).toMatch(/ paused .* has reached journal\.maxSize .* by the route broken, which is behind by/s);
    expect(firing([healthy, full])).toEqual(['KazooRelayIntakePaused', 'KazooRelayJournalFills', 'KazooRelaySinkAway']);
  });

  test('fire for a journal of which much counts, and not for a file that is large still', () => {
    const others = [
      'kazoo_relay_journal_size_bytes 100\nkazoo_relay_journal_max_size_bytes 100',
      'kazoo_relay_journal_entries 10\nkazoo_relay_lag_messages 6\nkazoo_relay_deliveries_waiting 0',
    ];
    const page = (used: number) => [...others, `kazoo_relay_journal_used_bytes ${used}`].join('\n');
    expect(firing([page(80)])).toEqual([]);
    expect(firing([page(81)])).toEqual(['KazooRelayJournalFills']);
  });

  test('fire for a journal in which more than half of the share for undecodable and invalid ones is used', () => {
    const page = (bytes: number) =>
      `kazoo_relay_journal_invalid_max_bytes 100\nkazoo_relay_journal_invalid_bytes ${bytes}`;
    expect(firing([page(50)])).toEqual([]);
    expect(firing([page(51)])).toEqual(['KazooRelayInvalidFills']);
  });

  test('fire for many that are to be tried again, and not for what waits for its digest', () => {
    const page = (waiting: number) =>
      `kazoo_relay_deliveries_waiting{route="r"} ${waiting}\nkazoo_relay_deliveries_collecting{route="r"} 5000`;
    expect(firing([page(6_000)])).toEqual([]);
    expect(firing([page(6_001)])).toEqual(['KazooRelayRetries']);
  });

  test('fire for an expected event that does not come', () => {
    const page = (value: number) => `kazoo_relay_expected_overdue{event="topup",zone=""} ${value}`;
    expect(firing([page(0)])).toEqual([]);
    expect(firing([page(1)])).toEqual(['KazooRelayExpectedOverdue']);
  });

  test('fire for a day after an event had something new', () => {
    const page = (first: number) => `kazoo_relay_drift_newest_kind_timestamp_seconds{event="topup"} ${first}`;
    const day = 86_400;
    expect(firing([page(-day + 39 * 60)])).toEqual([]);
    expect(firing([page(-day + 39 * 60 + 1)])).toEqual(['KazooRelayDrift']);
  });

  test('fire for a daemon that is gone', () => {
    expect(firing(['up{job="kazoo-relay"} 1', 'up{job="kazoo-relay"} 0'])).toEqual(['KazooRelayDown']);
  });

  test('have a section each in docs/operations/runbook.md, and there is none for another', () => {
    const headings = [...readFileSync('docs/operations/runbook.md', 'utf8').matchAll(/^### (KazooRelay\w+)$/gm)];
    expect(headings.map(([, name]) => name)).toEqual(rules.map(({ alert }) => alert));
    for (const { alert, annotations } of rules) {
      expect(annotations.runbook).toBe(`docs/operations/runbook.md#${alert.toLowerCase()}`);
    }
  });

  test('and the dashboard name only metrics that there are', async () => {
    const { page } = await started((file) => ({ routes: { archive: { sink: { type: 'file', path: file('a') } } } }));
    const there = new Set([...(await page()).matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name));
    const dashboard = readFileSync('deploy/grafana/kazoo-relay.json', 'utf8');
    const named = [...rules.map(({ expr }) => expr), dashboard].flatMap((text) =>
      [...text.matchAll(/\b(?:kazoo_relay|nodejs|process)_\w+/g)].map(([name]) => name.replace(/_bucket$/, '')),
    );
    expect(named.length).toBeGreaterThan(50);
    expect([...new Set(named)].filter((name) => !there.has(name))).toEqual([]);
  });

  test('and the dashboard have expressions that Prometheus understands', () => {
    const dashboard = JSON.parse(readFileSync('deploy/grafana/kazoo-relay.json', 'utf8'));
    const expressions: string[] = dashboard.panels.flatMap((panel: { targets?: { expr: string }[] }) =>
      (panel.targets ?? []).map(({ expr }) => expr.replaceAll('$__rate_interval', '1m')),
    );
    const file = join(folder, 'dashboard.yaml');
    const recorded = expressions.map((expr, index) => ({ record: `panel_${index}`, expr }));
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
    expect(promtool(['check', 'rules', '--lint=none', file])).toMatchObject({ status: 0 });
    expect(promtool(['check', 'rules', rulesFile])).toMatchObject({ status: 0 });
  });
});

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

function rulesIn({ groups }: { groups: { rules: Rule[] }[] }): Rule[] {
  return groups.flatMap((group) => group.rules);
}

async function started(options: (path: (name: string) => string) => object) {
  relay = testRelay(broker.url, (path) => ({ http: { listen: '127.0.0.1:0' }, ...options(path) }));
  const daemon = relay.start();
  const at = await httpAddress(daemon);
  await daemon.says('consuming');
  return { page: async () => (await ask(at, '/metrics')).body, path: relay.path };
}

/** The alerts that fire when Prometheus has seen each page for 40 minutes, one after the other. */
function firing(pages: readonly string[]): string[] {
  const series = new Map<string, string[]>();
  for (const [index, page] of pages.entries()) {
    for (const line of page.split('\n')) {
      const [, name = '', value = ''] = /^([a-z]\w*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
      if (!name.startsWith('kazoo_relay') && !/^(up|nodejs_eventloop_lag_p99_seconds|process_start)/.test(name))
        continue;
      if (value === 'Nan') continue;
      const values = series.get(name) ?? new Array<string>(index).fill('_x40');
      series.set(name, [...values, `${value}x39`]);
    }
  }
  const input = [...series].map(([name, values]) => ({ series: asScraped(name), values: values.join(' ') }));
  const file = join(folder, 'test.yaml');
  const asked = { expr: 'max by (alertname) (ALERTS{alertstate="firing"})', eval_time: `${pages.length * 40 - 1}m` };
  writeFileSync(
    file,
    stringify({
      rule_files: [resolve(rulesFile)],
      evaluation_interval: '1m',
      // That nothing fires is never true here: what does is told by what promtool finds instead.
      tests: [{ interval: '1m', input_series: input, promql_expr_test: [{ ...asked, exp_samples: [nothing] }] }],
    }),
  );
  const { stderr, stdout } = promtool(['test', 'rules', file]);
  const [, got = ''] = /got:(.*)/.exec(`${stdout}${stderr}`.replaceAll('\n', ' ')) ?? [];
  if (got === '') throw new Error(`promtool said: ${stdout}${stderr}`);
  return [...got.matchAll(/alertname="(\w+)"/g)].map(([, name = '']) => name).sort();
}

const nothing = { labels: '{alertname="none"}', value: 1 };

/** With the labels that a scrape adds. */
function asScraped(series: string): string {
  const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(series) ?? [];
  const added = labels.includes('job=')
    ? labels
    : [labels, 'job="kazoo-relay"'].filter((part) => part !== '').join(',');
  return `${name}{${added},instance="relay:9400"}`;
}
