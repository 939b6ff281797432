import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import type { Journal } from '../../../src/journal/journal.ts';
import { cli } from '../../support/cli.ts';
import { openJournal } from '../../support/journal.ts';
import { notification } from '../../support/notification.ts';
import { until } from '../../support/until.ts';

let folder: string;
let config: string;
let journal: Journal;
const children: ChildProcess[] = [];

const hour = 3_600_000;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-tail-'));
  config = writeConfig('config.yaml', 'journal');
  journal = await openJournal(join(folder, 'journal'), pino({ level: 'silent' }));
  const now = Date.now();
  await journal.append([
    ...Array.from({ length: 12 }, (_, index) =>
      notification({ id: `old-${index}`, event: 'register', receivedAt: now - 3 * hour }),
    ),
    notification({ id: 'new', event: 'voicemail_new', receivedAt: now - hour, accountId: 'a2' }),
    notification({ id: 'saved', event: 'voicemail_saved', receivedAt: now - hour, ownTime: 1, fingerprint: 'f' }),
    notification({ id: 'again', event: 'voicemail_saved', receivedAt: now, ownTime: 1, fingerprint: 'f' }),
    notification({ id: 'preview', event: 'topup', receivedAt: now, preview: true }),
    notification({
      id: 'bad',
      event: 'missed_call',
      receivedAt: now,
      zone: '\u001b[31meast',
      state: 'invalid',
      problems: [{ path: '/to\u009buser', message: 'is required', keyword: 'required' }],
    }),
    notification({
      id: 'broken',
      event: null,
      receivedAt: now,
      accountId: null,
      state: 'undecodable',
      problems: [{ path: '', message: 'the body is not JSON', keyword: 'json' }],
      json: 'null',
    }),
  ]);
});

afterAll(async () => {
  await journal.close();
  rmSync(folder, { recursive: true });
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function writeConfig(name: string, journalFolder: string): string {
  const file = join(folder, name);
  const sink = `{ type: file, path: ${join(folder, 'out.ndjson')} }`;
  writeFileSync(
    file,
    `brokers: [{ zone: west, url: amqp://127.0.0.1:1 }]\njournal: { path: ${join(folder, journalFolder)} }\nroutes: { all: { sink: ${sink} } }\n`,
  );
  return file;
}

async function lines(...args: string[]): Promise<string[]> {
  const { stdout, stderr, code } = await cli(['tail', '--config', config, ...args]);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return stdout.split('\n').slice(0, -1);
}

async function ids(...args: string[]): Promise<string[]> {
  return (await lines('--json', ...args)).map((line) => JSON.parse(line).id);
}

describe('tail', () => {
  test('shows the newest ten on a line each, with their state and first problem', async () => {
    const shown = await lines('--utc');
    expect(shown).toHaveLength(11);
    expect(shown[0]).toMatch(/^RECEIVED +EVENT +ACCOUNT +ZONE +STATE +PROBLEM$/);
    expect(shown[5]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}voicemail_new {17}a2 {32}west {12}valid$/);
    const states = shown[0]?.indexOf('STATE');
    expect(shown.slice(6).map((line) => line.slice(states))).toEqual([
      'valid',
      'resend',
      'preview',
      expect.stringMatching(/invalid {6}\/to\\u009buser is required$/),
      'undecodable  the body is not JSON',
    ]);
  });

  test('gives the room that short columns leave to long ones on a terminal', async () => {
    const args = ['tail', '--accounts', 'a2', '--config', config];
    const { stdout } = await cli(args, '', {}, { columns: 80 });
    expect(stdout).toMatch(/^RECEIVED {2,6}EVENT {10}ACCOUNT {2}ZONE {2}STATE {2}PROBLEM\n/);
  });

  test('keeps what could steer a terminal from it', async () => {
    for (const shown of [await lines(), await lines('--json')]) {
      expect(shown.join('\n')).not.toMatch(/[^\P{Cc}\n]/u);
    }
  });

  test('shows envelopes as sinks get them with --json', async () => {
    const [line] = await lines('--json', '--events', 'missed_call');
    expect(JSON.parse(line ?? '')).toMatchObject({
      id: 'bad',
      event: 'missed_call',
      zone: '\u001b[31meast',
      valid: false,
      data: { event_name: 'low_balance' },
    });
  });

  test('selects by events, globs and accounts, with commas or options given again', async () => {
    expect(await ids('--events', 'voicemail_*')).toEqual(['new', 'saved', 'again']);
    expect(await ids('--events', 'voicemail_new,missed_call', '-e', 'top_up')).toEqual(['new', 'preview', 'bad']);
    expect(await ids('--accounts', 'a2,a3')).toEqual(['new']);
  });

  test('shows all since a time, or the newest of them', async () => {
    expect(await ids('--since', '2h')).toHaveLength(6);
    expect(await ids('--since', '4h')).toHaveLength(18);
    expect(await ids('--since', new Date(Date.now() - hour / 2).toISOString(), '--limit', '2')).toEqual([
      'bad',
      'broken',
    ]);
    expect(await ids('--limit', '0')).toEqual([]);
  });

  test.each([
    ['--since', 'tomorrow'],
    ['--limit', '-1'],
  ])('refuses %s %s', async (option, value) => {
    const { code, stderr } = await cli(['tail', '--config', config, option, value]);
    expect(stderr).toContain('It must be');
    expect(code).toBe(2);
  });

  test('follows what comes in, until it is told to stop', async () => {
    const child = spawn(
      process.execPath,
      ['src/main.ts', 'tail', '-c', config, '-f', '--json', '-e', 'transaction', '--limit', '0'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    children.push(child);
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    const append = async () => {
      await journal.append([notification({ event: 'register' }), notification({ event: 'transaction' })]);
      return output.includes('"transaction"');
    };
    await until(append, { what: 'tail to follow', interval: 200 });
    expect(output).not.toContain('"register"');
    const closed = once(child, 'close');
    child.kill('SIGINT');
    await closed;
    expect(child.exitCode).toBe(0);
  });

  test('refuses an event that nobody knows, unless the journal or a schema has it', async () => {
    const wrong = await cli(['tail', '--config', config, '--events', 'voicemail_*,missed_cal']);
    expect(wrong).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('did you mean missed_call?') });
    await journal.append([notification({ id: 'own', event: 'house_alarm', receivedAt: Date.now() - 4 * hour })]);
    expect(await ids('--events', 'house_*')).toEqual(['own']);
    mkdirSync(join(folder, 'schemas'));
    writeFileSync(join(folder, 'schemas', 'doorbell.json'), '{}');
    const schemas = { KAZOO_RELAY_VALIDATION_SCHEMAS: join(folder, 'schemas') };
    const quiet = await cli(['tail', '--config', config, '--events', 'doorbell'], '', schemas);
    expect(quiet).toEqual({
      stdout: '',
      stderr: expect.stringMatching(
        /^nothing of these was found in the whole journal; the newest notification of all came/,
      ),
      code: 0,
    });
  });

  test('says where it has looked when there is no journal', async () => {
    const { stderr, code } = await cli(['tail', '--config', writeConfig('other.yaml', 'nowhere')]);
    expect(stderr).toMatch(/^kazoo-relay: there is no journal in .*nowhere.*\n$/);
    expect(code).toBe(2);
  });
});
