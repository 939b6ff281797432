// needs: go, java, lighttpd, php, ruby
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '../../../scripts/quickstart/free-port.ts';
import { createSigner } from '../../../src/sinks/webhook/auth.ts';
import { openForTest } from '../../support/open-for-test.ts';
import { until } from '../../support/until.ts';
import { deliveryOf } from '../../support/webhook.ts';

const programs = resolve('examples/receivers');
const gson = '/usr/share/java/gson.jar';
const { webhook } = openForTest();

/** How each is started, and what of it must be there; `prepare` makes what is started. */
const languages: Record<string, Language> = {
  Node: { command: [process.execPath, 'receiver.mjs'], needs: [process.execPath] },
  Python: { command: ['python3', 'receiver.py'], needs: ['python3'] },
  PHP: { command: ['sh', '-c', 'exec php -S "127.0.0.1:$PORT" receiver.php'], needs: ['php'] },
  Go: {
    prepare: (folder) => run('go', 'build', '-o', join(folder, 'receiver'), 'receiver.go'),
    command: ['FOLDER/receiver'],
    needs: ['go'],
  },
  Java: { command: ['java', '-cp', gson, 'Receiver.java'], needs: ['java', gson] },
  Ruby: { command: ['ruby', 'receiver.rb'], needs: ['ruby'] },
  'a shell with openssl': { command: ['lighttpd', '-D', '-f', 'lighttpd.conf'], needs: ['lighttpd', 'openssl', 'jq'] },
};

interface Language {
  readonly prepare?: (folder: string) => void;
  readonly command: readonly [string, ...string[]];
  readonly needs: readonly string[];
}

const secret = 'whsec_a2F6b28tcmVsYXktZXhhbXBsZS1zZWNyZXQtMQ==';
const other = 'whsec_a2F6b28tcmVsYXktZXhhbXBsZS1zZWNyZXQtMg==';
const minute = 60_000;

for (const [name, language] of Object.entries(languages)) {
  const missing = language.needs.filter((program) => !isThere(program));
  const title =
    missing.length === 0 ? `the receiver in ${name}` : `LEFT OUT, without ${missing}: the receiver in ${name}`;
  (missing.length === 0 ? describe : describe.skip)(title, () => {
    const receiver = startOnce(language);

    test('keeps a notification, byte by byte, and says so with 204', async () => {
      const data = { event_name: 'missed_call', text: 'Grüße ☎ "x" \u0001', number: 0.1, list: [] };
      expect(await receiver.send({ id: 'good', data })).toMatchObject({ status: 'delivered', code: 204 });
      expect(JSON.parse(receiver.kept('good'))).toMatchObject({ id: 'good', data });
      expect(receiver.kept('good')).toBe(deliveryOf({ id: 'good', data }).json);
    });

    test('keeps a notification that comes again once, and says 204 again', async () => {
      await receiver.send({ id: 'twice' });
      const { ino, mtimeMs } = statSync(receiver.file('twice'));
      expect(await receiver.send({ id: 'twice' })).toMatchObject({ status: 'delivered', code: 204 });
      expect(statSync(receiver.file('twice'))).toMatchObject({ ino, mtimeMs });
    });

    test('keeps one of several at the same time', async () => {
      const statuses = await Promise.all(Array.from({ length: 4 }, () => receiver.post({ id: 'together' })));
      expect(statuses).toEqual([204, 204, 204, 204]);
      expect(receiver.inbox()).toEqual(['together.json']);
    });

    test('takes either signature while a secret is replaced', async () => {
      expect(await receiver.send({ id: 'rotated' }, [other, secret])).toMatchObject({ status: 'delivered' });
      expect(receiver.inbox()).toEqual(['rotated.json']);
    });

    test('takes clocks that are four minutes apart', async () => {
      expect(await receiver.post({ id: 'behind', now: Date.now() - 4 * minute })).toBe(204);
      expect(await receiver.post({ id: 'ahead', now: Date.now() + 4 * minute })).toBe(204);
    });

    test('refuses the signature of another secret so that the sink lets the operator know why', async () => {
      expect(await receiver.send({ id: 'bad' }, [other])).toMatchObject({ status: 'dead', code: 401, refused: 'all' });
      expect(receiver.inbox()).toEqual([]);
    });

    test.each<[string, Posted, number]>([
      ['a time six minutes ago', { now: Date.now() - 6 * minute }, 401],
      ['a time in six minutes', { now: Date.now() + 6 * minute }, 401],
      ['no signature', { drop: 'webhook-signature' }, 401],
      ['no id', { drop: 'webhook-id' }, 401],
      ['no time', { drop: 'webhook-timestamp' }, 401],
      ['a time that is no number', { replace: { 'webhook-timestamp': '1e9' } }, 401],
      ['the signature of another body', { sent: '{"id":"bad"}' }, 401],
      ['the id of another', { replace: { 'webhook-id': 'bad' } }, 401],
      ['a signature that is cut off', { replace: { 'webhook-signature': 'v1,' } }, 401],
      ['a pattern for a signature', { replace: { 'webhook-signature': '*' } }, 401],
      ['a body that is no JSON', { body: 'not JSON' }, 400],
      ['an empty body', { body: '' }, 400],
      ['an id that is a path', { id: '../escaped' }, 400],
      ['a body of 3 MiB', { body: JSON.stringify('x'.repeat(3 << 20)) }, 413],
      ['another method', { method: 'PUT' }, 405],
    ])('refuses %s for good, and keeps nothing', async (_, posted, status) => {
      expect(await receiver.post(posted)).toBe(status);
      expect(receiver.inbox()).toEqual([]);
    });

    test('asks for another try where it can’t keep, and then takes it', async () => {
      receiver.breakInbox();
      expect(await receiver.send({ id: 'later' })).toMatchObject({ status: 'retry' });
      receiver.mendInbox();
      expect(await receiver.send({ id: 'later' })).toMatchObject({ status: 'delivered' });
      expect(receiver.inbox()).toEqual(['later.json']);
    });

    test('takes what send.sh signs with openssl, and not with another secret', () => {
      expect(sendByCurl(receiver.url(), secret)).toBe('204\n');
      expect(() => sendByCurl(receiver.url(), other)).toThrow(/401/);
    });
  });
}

interface Posted {
  readonly id?: string;
  readonly body?: string;
  /** What is sent in place of the signed body. */
  readonly sent?: string;
  readonly now?: number;
  readonly method?: string;
  readonly drop?: string;
  readonly replace?: Record<string, string>;
}

/** One process for all tests of a language, with an inbox that is empty before each. */
function startOnce({ prepare, command }: Language) {
  let folder: string;
  let inbox: string;
  let url: string;
  let child: ChildProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-receiver-'));
    inbox = join(folder, 'inbox');
    prepare?.(folder);
    const port = await freePort();
    url = `http://127.0.0.1:${port}/`;
    const [program, ...args] = command.map((part) => part.replace('FOLDER', folder)) as [string, ...string[]]; // as many
    const env = { ...process.env, WEBHOOK_SECRET: secret, INBOX: inbox, PORT: String(port), PWD: programs };
    child = spawn(program, args, { cwd: programs, env, stdio: 'ignore' });
    await until(() => child.exitCode !== null || listens(port), { what: `${program} to listen` });
    expect(child.exitCode).toBeNull();
  });

  beforeEach(() => {
    rmSync(inbox, { recursive: true, force: true });
    mkdirSync(inbox);
  });

  afterEach(() => {
    expect(existsSync(join(folder, 'escaped.json'))).toBe(false);
  });

  afterAll(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true });
  });

  return {
    url: () => url,
    file: (id: string) => join(inbox, `${id}.json`),
    kept: (id: string) => readFileSync(join(inbox, `${id}.json`), 'utf8'),
    inbox: () => readdirSync(inbox),
    breakInbox() {
      rmSync(inbox, { recursive: true });
      writeFileSync(inbox, 'a file where a folder should be');
    },
    mendInbox() {
      rmSync(inbox);
      mkdirSync(inbox);
    },
    /** By the sink itself. */
    async send(parts: Parameters<typeof deliveryOf>[0], secrets = [secret]) {
      const sink = await webhook({ url, signature: { secrets } });
      return sink.send(parts);
    },
    /** By hand, signed as the sink signs: what a sink never sends. */
    async post({ id = 'posted', body = '{"id":"posted"}', sent = body, now = Date.now(), ...given }: Posted) {
      const headers = createSigner([secret]).headersFor([deliveryOf({ id })], body, now);
      Object.assign(headers, { 'content-type': 'application/json' }, given.replace);
      if (given.drop !== undefined) delete headers[given.drop];
      return (await fetch(url, { method: given.method ?? 'POST', headers, body: sent })).status;
    },
  };
}

function sendByCurl(url: string, key: string): string {
  const env = { ...process.env, WEBHOOK_SECRET: key };
  return execFileSync(join(programs, 'send.sh'), [url], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function isThere(program: string): boolean {
  const folders = program.startsWith('/') ? [''] : (process.env.PATH ?? '').split(':');
  return folders.some((folder) => existsSync(join(folder, program)));
}

function listens(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => done(true)).on('error', () => done(false));
    socket.on('connect', () => socket.destroy());
  });
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { cwd: programs, stdio: ['ignore', 'ignore', 'inherit'] });
}
