import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/common/json.ts';
import { eventNamed, events } from '../../../src/kazoo/catalogue.ts';
import { cli } from '../../support/cli.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-validate-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function example(event: string, changes: JsonObject = {}): JsonObject {
  return { ...eventNamed(event)?.example, ...changes };
}

/** What `--json` says of each notification. */
async function verdicts(...args: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await cli(['validate', '--json', ...args]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('validate', () => {
  test('finds every example of the catalogue valid, as an array, and ends with 0', async () => {
    const path = file('all.json', JSON.stringify(events.map((event) => event.example)));
    const { stdout, stderr, code } = await cli(['validate', path]);
    expect(stderr).toBe('');
    expect(stdout).toContain(`${events.length} notifications: ${events.length} valid, 0 not`);
    expect(code).toBe(0);
  });

  test('names the path of each problem and ends with 1', async () => {
    const body = JSON.stringify(example('voicemail_new', { 'Voicemail-Timestamp': 'x', 'Account-ID': null }));
    const { stdout, code } = await cli(['validate'], body);
    expect(stdout).toMatch(/voicemail_new +invalid/);
    expect(stdout).toMatch(/\n +\/voicemail_timestamp /);
    expect(stdout).toMatch(/\n +\/account_id /);
    expect(stdout).toContain('1 notification: 0 valid, 1 not');
    expect(code).toBe(1);
  });

  test('writes one JSON object a line with --json, its keys in a fixed order', async () => {
    const lines = [JSON.stringify(example('voicemail_new')), JSON.stringify(example('voicemail_new', { Node: 1 }))];
    const { stdout, code } = await cli(['validate', '-', '--json'], lines.join('\n'));
    const [first, second] = stdout.trim().split('\n');
    expect(first).toBe('{"index":0,"event":"voicemail_new","valid":true,"preview":false,"problems":[]}');
    expect(second).toMatch(
      /^\{"index":1,"event":"voicemail_new","valid":false,"preview":false,"problems":\[\{"path":"\/node","message":"[^"]+","keyword":"type"\}\]\}$/,
    );
    expect(code).toBe(1);
  });

  test('takes one notification a line, skips blank lines, and reports a line that is no JSON as one of them', async () => {
    const lines = ['', JSON.stringify(example('missed_call')), '  ', '{"Event-Name":', 'null', ''];
    const path = file('mixed.ndjson', lines.join('\r\n'));
    expect(await verdicts(path)).toMatchObject([
      { index: 0, event: 'missed_call', valid: true },
      { index: 1, event: null, valid: false, problems: [{ path: '', keyword: 'json' }] },
      { index: 2, event: null, valid: false, problems: [{ path: '', keyword: 'type' }] },
    ]);
  });

  test('takes a notification over several lines, and one that is broken as one', async () => {
    const pretty = JSON.stringify(example('missed_call'), null, 2);
    expect(await verdicts(file('pretty.json', pretty))).toMatchObject([{ event: 'missed_call', valid: true }]);
    expect(await verdicts(file('cut.json', pretty.slice(0, -2)))).toMatchObject([{ problems: [{ keyword: 'json' }] }]);
  });

  test('takes normalised keys, and a byte order mark', async () => {
    const normalised = Object.entries(example('missed_call')).map(([k, v]) => [
      k.replaceAll('-', '_').toLowerCase(),
      v,
    ]);
    const path = file('bom.json', `\ufeff${JSON.stringify(Object.fromEntries(normalised))}`);
    expect(await verdicts(path)).toMatchObject([{ event: 'missed_call', valid: true }]);
  });

  test('judges the items of an array by their own text', async () => {
    const twice = `{"a-b":1,"a_b":2,${JSON.stringify(example('low_balance')).slice(1)}`;
    const tricky = JSON.stringify(example('low_balance', { Text: '],{"[\\' }));
    expect(await verdicts(file('array.json', ` [ ${twice} , ${tricky}, [1,{}], 7 ] `))).toMatchObject([
      { valid: false, problems: [{ path: '/a_b', keyword: 'duplicateKey' }] },
      { valid: true, problems: [] },
      { valid: false, problems: [{ path: '', keyword: 'type' }] },
      { valid: false, problems: [{ path: '', keyword: 'type' }] },
    ]);
  });

  test('takes the data out of envelopes as sinks write them, secrets replaced', async () => {
    const data = { ...example('new_user'), Password: '[redacted]' };
    const envelope = { id: 'x', routing_key: 'notifications.user.new', received_at: '2026-01-01T00:00:00.000Z' };
    const lines = [
      { ...envelope, data },
      { ...envelope, data: null },
    ].map((line) => JSON.stringify(line));
    expect(await verdicts(file('sink.ndjson', `${lines.join('\n')}\n`))).toMatchObject([
      { event: 'new_user', valid: true },
      { event: null, valid: false, problems: [{ keyword: 'type' }] },
    ]);
  });

  test('says that a preview is one, and valid', async () => {
    const preview = example('voicemail_new', { Preview: true, 'Voicemail-Timestamp': 'Voicemail-Timestamp' });
    const { stdout, code } = await cli(['validate', '--json'], JSON.stringify(preview));
    expect(stdout).toBe('{"index":0,"event":"voicemail_new","valid":true,"preview":true,"problems":[]}\n');
    expect(code).toBe(0);
  });

  test('judges by schemas of one’s own too', async () => {
    const schemas = join(folder, 'schemas');
    mkdirSync(schemas);
    const schema = { allOf: [{ $ref: 'urn:kazoo-relay:schema:missed_call' }, { required: ['text'] }] };
    writeFileSync(join(schemas, 'missed_call.json'), JSON.stringify(schema));
    const body = file('missed.json', JSON.stringify(example('missed_call')));
    expect(await verdicts(body, '--schemas', schemas)).toMatchObject([{ valid: false, problems: [{ path: '/text' }] }]);
  });

  test.each([
    ['a file that is missing', () => join(folder, 'nowhere.json'), 'there is no such file'],
    ['a folder', () => folder, 'it is a directory'],
    ['an empty file', () => file('empty', ' \n\n'), 'holds no notification'],
    ['an empty array', () => file('none.json', '[]'), 'holds no notification'],
    ['text that is not UTF-8', () => file('latin1.json', Buffer.from('{"a":"\xe9"}', 'latin1')), 'is not UTF-8 text'],
  ])('ends with 2 on %s, in one line', async (_what, path, reason) => {
    const { stdout, stderr, code } = await cli(['validate', path()]);
    expect(stderr).toMatch(/^kazoo-relay: .*\n$/);
    expect(stderr).toContain(reason);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  test('ends with 2 on an unknown option and on a folder of schemas that is missing', async () => {
    expect(await cli(['validate', '--bogus'])).toMatchObject({ code: 2 });
    expect(await cli(['validate', '--schemas', join(folder, 'nowhere')], '{}')).toMatchObject({ code: 2 });
  });

  test('ends quietly when its reader goes away', async () => {
    const line = JSON.stringify(example('low_balance'));
    const path = file('many.ndjson', `${line}\n`.repeat(20_000));
    const child = spawn(process.execPath, ['src/main.ts', 'validate', path], { stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(child, 'close');
    await once(child.stdout, 'readable');
    child.stdout.destroy();
    const errors = await child.stderr.toArray();
    await closed;
    expect(Buffer.concat(errors).toString()).toBe('');
    expect(child.exitCode).toBe(0);
  });

  test('keeps what could steer a terminal from it', async () => {
    const { stdout } = await cli(['validate'], '{"\\u001b[31m\\u009b-a":1,"\\u001b[31m\\u009b_a":2}');
    expect(stdout).toContain('\\u001b[31m\\u009b_a');
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
  });
});
