import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { testAccess } from '../../../src/journal/postgres/access.ts';
import { type PostgresPair, startPostgresPair } from '../../support/postgres-pair.ts';
import { type JournalRole, makeJournalRole } from '../../support/postgresql.ts';
import { until } from '../../support/until.ts';

let pair: PostgresPair;
let role: JournalRole;
let folder: string;

beforeEach(async () => {
  pair = await startPostgresPair();
  role = await makeJournalRole(pair.primary);
  await pair.primary.query(role.statement('CREATE SCHEMA'));
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-access-'));
});

afterEach(async () => {
  await pair.close();
  rmSync(folder, { recursive: true });
});

test('check --connect tells whether a standby that takes over may lack something, and where that can’t be seen', async () => {
  expect(await tested()).toContainEqual(
    expect.stringMatching(/^it has 1 standby; whether one of them is synchronous, this user may not see/),
  );
  await pair.primary.query(`GRANT pg_monitor TO ${role.name}`);
  expect(await tested()).toContainEqual(
    expect.stringMatching(
      /^no standby is synchronous \(\w+\): when it takes over, .* \(set synchronous_standby_names\)$/,
    ),
  );
  await pair.waitForStandby();
  expect(await tested()).toContainEqual(expect.stringMatching(/^its standby \w+ is synchronous$/));
  expect(await tested()).toContainEqual(expect.stringMatching(/ is a standby$/));
  await pair.standby.kill();
  const hangs = 'it waits for a standby that is not there: commits hang';
  await until(async () => (await tested()).includes(hangs), { what: 'the primary to miss it' });
});

/** With both hosts, of which the second one is the standby. */
function tested(): Promise<string[]> {
  const url = pair.url.replace('//relay:', `//${role.name}:`);
  return testAccess({ url, schema: 'kazoo_relay', spool: join(folder, 'spool'), spoolSize: 1, name: 'here' });
}
