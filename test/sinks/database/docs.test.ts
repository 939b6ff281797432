import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/common/json.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { eventNamed, events } from '../../../src/kazoo/catalogue.ts';
import { normalise } from '../../../src/kazoo/normalise.ts';
import type { Delivery } from '../../../src/notification/envelope.ts';
import { SinkUnavailable } from '../../../src/sinks/sink.ts';
import { closeSinks, deliver, deliveryOf, openDatabaseSink } from '../../support/database.ts';
import { startMariadb, type TestMariadb } from '../../support/mariadb.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';

const page = readFileSync('docs/reference/sinks/database.md', 'utf8');
const dashboard = JSON.parse(readFileSync('deploy/grafana/notifications.json', 'utf8'));
const account = '2d3b9c1e8f7a46d5b0c4e6f81a92735d';

let postgres: SharedPostgres;
let mariadb: TestMariadb;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-docs-'));
  [postgres, mariadb] = await Promise.all([sharePostgres(), startMariadb()]);
  const batch = notifications();
  // Neither server has TLS: sslmode=prefer, which is the default, does without.
  for (const url of [postgres.url, mariadb.url, `sqlite://${folder}/notifications.db`]) {
    await deliver(await openDatabaseSink({ url }), ...batch);
  }
});

afterAll(async () => {
  await closeSinks();
  await Promise.all([postgres?.close(), mariadb?.close()]);
  rmSync(folder, { recursive: true });
});

/** The catalogue's examples, an hour old, and some more that make a difference. */
function notifications(): Delivery[] {
  const examples = events.map(({ name }) => of(name));
  return [
    ...examples,
    of('missed_call', { message_left: true }),
    of('missed_call', {}, 'another'),
    of('transaction', { success: true }),
    // As KAZOO 4.2 writes them.
    of('transaction', { success: 'true', amount: '12.00' }),
    of('transaction', { success: 'false', amount: '25.00', response: 'Expired' }, account, 2),
    of('voicemail_new', { voicemail_transcription: { result: 'success', text: 'Hi Ann' } }, account, 2),
    of('port_pending', { port_request_id: 'second' }, account, 5),
    of('port_scheduled', { port_request_id: 'second' }, account, 4),
    of('ported', { port_request_id: 'third' }, account, 4),
    of('low_balance', { current_balance: 70_000 }, 'rich'),
    of('voicemail_new', {}, 'another'),
    of('voicemail_new', {}, account, 24 * 30),
  ];
}

function of(event: string, changes: JsonObject = {}, accountId = account, hoursAgo = 1): Delivery {
  const data = { ...normalise(eventNamed(event)?.example ?? {}).data, ...changes };
  const occurredAt = Date.now() - hoursAgo * 3_600_000;
  return deliveryOf(data, { event, accountId, occurredAt });
}

/** The fenced blocks of a language. */
function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);
}

describe('the page of the database sink', () => {
  test('has configurations that load', () => {
    const file = join(folder, 'kazoo-relay.yaml');
    expect(blocks('yaml')).toHaveLength(3);
    for (const routes of blocks('yaml')) {
      writeFileSync(file, `brokers: [{ zone: west, url: 'amqp://127.0.0.1' }]\n${routes}`);
      expect(loadConfig(file).routes).toHaveLength(1);
    }
  });

  test('has queries for PostgreSQL that find what they say', async () => {
    const [voicemails, missed, failed, ports, balances, ...others] = await Promise.all(
      blocks('sql').map((sql) => postgres.query(sql)),
    );
    expect(others).toEqual([]);
    const voicemail = { occurred_at: expect.any(Date), caller: expect.any(String), box: expect.any(String) };
    expect(voicemails).toEqual([
      { ...voicemail, length: '14260', words: 'Hi Ann' },
      { ...voicemail, length: '14260', words: expect.stringMatching(/^Hi, this is Dana/) },
    ]);
    expect(missed).toEqual([
      { account_id: account, day: expect.any(Date), missed: '2', with_message: '1' },
      { account_id: 'another', day: expect.any(Date), missed: '1', with_message: '0' },
    ]);
    expect(failed).toEqual([
      { occurred_at: expect.any(Date), account_id: account, amount: '64.5', response: 'Processor Declined' },
      { occurred_at: expect.any(Date), account_id: account, amount: '25.00', response: 'Expired' },
    ]);
    expect(ports).toEqual(
      expect.arrayContaining([
        { state: 'ported', requests: expect.stringMatching(/^[12]$/) },
        { state: 'scheduled', requests: expect.stringMatching(/^[12]$/) },
      ]),
    );
    expect(ports?.reduce((sum, { requests }) => sum + Number(requests), 0)).toBe(3);
    expect(balances?.map(({ account_id, balance }) => [account_id, Number(balance)])).toEqual([[account, -1.25]]);
  });

  test('has queries for SQLite and for MariaDB that find what they say', async () => {
    const database = new DatabaseSync(join(folder, 'notifications.db'));
    const [missed = ''] = blocks('sqlite');
    expect(database.prepare(missed).all()).toMatchObject([
      { account_id: account, missed: 2 },
      { account_id: 'another', missed: 1 },
    ]);
    database.close();
    const [voicemails = ''] = blocks('mariadb');
    const voicemail = { occurred_at: expect.any(Date), caller: expect.stringMatching(/^\+/) };
    expect(await mariadb.query(voicemails)).toEqual([voicemail, voicemail]);
  });
});

describe('a server without TLS', () => {
  test('is what sslmode=prefer puts up with, and require does not', async () => {
    for (const { url } of [postgres, mariadb]) {
      await openDatabaseSink({ url: `${url}?sslmode=disable` });
      const required = openDatabaseSink({ url: `${url}?sslmode=require` });
      await expect(required).rejects.toThrow(/does not support (SSL|secure connection)/);
      await expect(required).rejects.toThrow(SinkUnavailable);
    }
  });
});

describe('the Grafana dashboard', () => {
  const panels: { title: string; targets: { rawSql: string }[] }[] = dashboard.panels;

  test('finds failed transactions in each form in which KAZOO sends them', async () => {
    const queries = panels.filter(({ title }) => title === 'Failed transactions').flatMap(({ targets }) => targets);
    const [counts, rows] = await Promise.all(queries.map(({ rawSql }) => postgres.query(expanded(rawSql, "''"))));
    expect(counts).toEqual([{ failed: '2' }]);
    expect(rows?.map(({ amount }) => amount)).toEqual(['64.5', '25.00']);
  });

  test.each(panels)('has queries for $title that find something', async ({ targets }) => {
    for (const { rawSql } of targets) {
      for (const chosen of ["''", `'${account}'`]) {
        expect(await postgres.query(expanded(rawSql, chosen))).not.toEqual([]);
      }
    }
  });
});

/** What Grafana makes of a query, for the last year. */
function expanded(sql: string, chosen: string): string {
  return (
    sql
      .replaceAll(/\$__timeFilter\((\w+)\)/g, "$1 BETWEEN now() - interval '365 days' AND now()")
      .replaceAll(/\$__timeGroupAlias\((\w+), \$__interval\)/g, 'floor(extract(epoch from $1)/3600)*3600 AS "time"')
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana writes its variables so
      .replaceAll('${account:sqlstring}', chosen)
  );
}
