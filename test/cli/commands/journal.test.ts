import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pino from 'pino';
import { storeAt } from '../../../src/journal/open.ts';
import { cli } from '../../support/cli.ts';
import { openJournal } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { type SharedPostgres, sharePostgres } from '../../support/postgresql.ts';
import { recorded } from '../../support/recorded.ts';
import { settle } from '../../support/sessions.ts';

let server: SharedPostgres;
let folder: string;

beforeAll(async () => {
  server = await sharePostgres();
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-move-'));
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

test('a journal in a folder is copied into the database of the configuration, once', async () => {
  const old = join(folder, 'old');
  const journal = await openJournal(old, pino({ level: 'silent' }));
  await journal.append([notification({}), notification({}), notification({})]);
  for (const route of ['crm', 'console']) await settle(journal, route, { cursor: 2, recorded: [recorded(1, 'dead')] });
  await journal.close();
  const spool = join(folder, 'spool');
  const file = configured(`{ url: "${server.url}?sslmode=disable", spool: ${spool} }`);
  const first = await cli(['journal', 'copy', '--from', old, '--config', file]);
  const address = `${new URL(server.url).host}${new URL(server.url).pathname} (kazoo_relay)`;
  expect(first).toEqual({
    code: 0,
    stdout: `copied 3 notifications, 2 deliveries that are not settled, and 2 routes from ${old} to ${address}\n`,
    stderr: '',
  });
  const store = await storeAt({
    ...{ url: `${server.url}?sslmode=disable`, schema: 'kazoo_relay', spool, spoolSize: 1, name: 'here' },
  }).openOperatorStore();
  expect((await store.summary()).routes).toMatchObject([
    { name: 'console@here', cursor: 2, dead: 1 },
    { name: 'crm', cursor: 2, dead: 1 },
  ]);
  await store.close();
  const again = await cli(['journal', 'copy', '--from', old, '--config', file]);
  expect(again).toMatchObject({
    code: 0,
    stdout: `the journal in ${old} is in ${address} already: nothing was copied\n`,
  });
});

test('a configuration without a database has nothing to copy into', async () => {
  const file = configured(`{ path: ${folder} }`);
  expect(await cli(['journal', 'copy', '--from', folder, '--config', file])).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'kazoo-relay: the configuration has no journal.url: there is no database that the journal could be copied into\n',
  });
});

function configured(journal: string): string {
  const file = join(folder, 'kazoo-relay.yaml');
  writeFileSync(
    file,
    `name: here
brokers: [{ url: "amqp://127.0.0.1" }]
journal: ${journal}
routes:
  crm: { sink: { type: webhook, url: "http://127.0.0.1:1/" } }
  console: { every: true, sink: { type: log } }
`,
  );
  return file;
}
