import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readConfigTests } from '../../../src/cli/support/config-tests.ts';
import { cli } from '../../support/cli.ts';

let folder: string;
let config: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-test-'));
  config = join(folder, 'relay.yaml');
  writeFileSync(
    config,
    `brokers: [{ zone: west, url: 'amqp://x@y' }]
routes:
  german:
    events: [missed_call]
    where: data.caller_id_number.startsWith("+49")
    shape: { omit: [data.to], set: { tenant: acme } }
    sink: { type: log }
  users: { events: [new_user], zones: [east], reveal: [password], sink: { type: log } }
`,
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

function cases(text: string): string {
  const file = join(folder, 'relay.test.yaml');
  writeFileSync(file, `cases:\n${text}`);
  return file;
}

describe('test', () => {
  test('finds the example configuration as its cases say', async () => {
    const { stdout, stderr, code } = await cli(['test', '--config', 'config/kazoo-relay.yaml']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^ok +a missed call/);
    expect(stdout).toMatch(/\d+ cases: \d+ as they should be, 0 not\n$/);
    expect(code).toBe(0);
  });

  test('shows what differs, with the line of the case, and ends with 1', async () => {
    cases(`  - name: a German
    event: missed_call
    with: { caller_id_number: '+49301' }
    routes: [german]
    gets: { german: { tenant: acme, data.to: null, data.caller_id_number: '+4930', node: null } }
  - name: nobody
    event: missed_call
    with: { caller_id_number: null }
    routes: [german, users]
  - event: new_user
    with: { Password: geheim }
    zone: east
    routes: []
  - event: new_user
    with: { password: geheim }
    zone: east
    routes: [users]
    gets: { users: { data.password: geheim } }
  - event: missed_call
    with: { caller_id_number: '+491', timestamp: soon }
    routes: []
`);
    const { stdout, code } = await cli(['test', '--config', config]);
    expect(stdout.replaceAll(folder, '')).toMatchInlineSnapshot(`
"differs  a German (/relay.test.yaml:2:5)
           german gets "+49301" in data.caller_id_number, and should get "+4930"
           german gets "kazoo_apps@apps1.example.com" in node, and should get nothing
differs  nobody (/relay.test.yaml:7:5)
           german should get it, but does not get it (where can't be evaluated: data.caller_id_number.startsWith("+49"): No such key: caller_id_number (data.caller_id_number is missing))
           users should get it, but does not get it (its event, missed_call, is not among events: new_user)
differs  new_user (/relay.test.yaml:11:5)
           users should not get it, and gets it
ok       new_user
differs  missed_call (/relay.test.yaml:20:5)
           german should not get it, but has it quarantined (invalid: /timestamp must be integer)
5 cases: 1 as they should be, 4 not
"
`);
    expect(code).toBe(1);
  });

  test('ends with 2 where the file of cases is missing', async () => {
    const { stderr, code } = await cli(['test', join(folder, 'nowhere.yaml'), '--config', config]);
    expect(stderr).toMatch(/there is no file of cases .*nowhere.yaml: "kazoo-relay test --help" shows/);
    expect(code).toBe(2);
  });
});

describe('a file of cases', () => {
  test('has all its mistakes told, each with its line and column', () => {
    const file = cases(`  - { name: 3, event: mised_call, routes: [german, germn] }
  - { event: missed_call, notification: {}, routes: german, zone: 5 }
  - { notification: {}, with: {}, quarantine: [german], routes: [german], gets: { users: {}, german: 5 } }
  - { event: missed_call, with: { caller_id_number.x: 1 }, routs: [] }
  - just text
`);
    const told = () => {
      try {
        readConfigTests(file, ['german', 'users']);
        return 'nothing is wrong';
      } catch (error) {
        return String(error).replaceAll(`${file}:`, '');
      }
    };
    expect(told()).toMatchInlineSnapshot(`
"Error: 2:7: cases[0].name must be text
2:16: cases[0].event is no event of the catalogue; did you mean missed_call?
2:52: cases[0].routes[1] is no route of the configuration; did you mean german?
3:61: cases[1].zone must be text
3:5: cases[1] must have either an event, whose example is taken, or a notification
3:45: cases[1].routes must be a list of routes
4:25: cases[2].with goes with an event; change the notification itself
4:35: cases[2].quarantine has german, which gets it by routes
4:83: cases[2].gets.users is not among the routes of this case
4:94: cases[2].gets.german must be a mapping of paths in the envelope to values
5:60: cases[3].routs is not known here; did you mean routes?
5:27: cases[3].with caller_id_number.x can't be set: Caller-ID-Number is no object
5:5: cases[3] must say which routes get it; an empty list is none
6:5: cases[4] must be a mapping with the keys name, event, with, notification, zone, routes, quarantine, gets"
`);
    writeFileSync(file, 'cases: []\nmore: 1\n');
    expect(told()).toMatchInlineSnapshot(`
"Error: 2:1: more is not known here; there are cases
1:1: cases must be a list of at least one case"
`);
    writeFileSync(file, 'cases: *x\n');
    expect(told()).toMatchInlineSnapshot(
      `"Error: 1:8: a value begins with *, which YAML takes for the name of an anchor; put it in quotes"`,
    );
  });
});
