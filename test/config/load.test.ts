import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../src/config/diagnostics.ts';
import { formatValue } from '../../src/config/formats.ts';
import { loadConfig } from '../../src/config/load.ts';
import { findConfigFile } from '../../src/config/read/source.ts';
import { cliProcess } from '../support/cli.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-config-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('the example configuration', () => {
  const example = readFileSync('config/kazoo-relay.yaml', 'utf8');

  test('works as it is, with every default in place', () => {
    const config = loadConfig('config/kazoo-relay.yaml');
    expect(config.brokers).toEqual([{ zone: 'local', url: 'amqp://guest:guest@127.0.0.1:5672' }]);
    expect(config.routes.map(({ name, sink }) => [name, sink.type])).toEqual([
      ['console', 'log'],
      ['archive', 'file'],
    ]);
    expect(config.queue).toEqual({
      name: 'kazoo-relay',
      type: 'classic',
      maxLength: 100_000,
      maxLengthBytes: 128 * 1024 * 1024,
      expires: 86_400_000,
      consumers: 1,
    });
    expect(config.intake.prefetch).toBe(1_000);
    expect(config.intake.watch.interval).toBe(2_000);
    expect(config.shutdown.timeout).toBe(8_000);
  });

  test('shows the defaults in what it has commented out', () => {
    const uncommented = example.replaceAll(/^( *)# ( *(?:- )?[a-zA-Z]+:)/gm, '$1$2');
    expect(uncommented).toMatch(/^ {2}maxLength: 100000/m);
    expect(loadConfig(fileOf(uncommented))).toEqual(loadConfig('config/kazoo-relay.yaml'));
  });
});

describe("Compose's configuration", () => {
  test('works, with the journal and the file on the volume, and Compose’s secrets', () => {
    const withSecrets = readFileSync('deploy/docker/config/kazoo-relay.yaml', 'utf8').replaceAll(
      '/run/secrets',
      'deploy/docker/secrets',
    );
    const { brokers, journal, routes } = loadConfig(fileOf(withSecrets));
    expect(brokers.map(({ url }) => new URL(url).host)).toEqual(['rabbitmq:5672']);
    expect(journal.path).toBe('/var/lib/kazoo-relay/journal');
    const path = '/var/lib/kazoo-relay/archive/notifications.ndjson';
    expect(routes.map(({ sink }) => sink.options)).toContainEqual(expect.objectContaining({ path }));
  });
});

describe('the place of the configuration', () => {
  afterEach(() => {
    delete process.env.KAZOO_RELAY_CONFIG;
  });

  test('is what is named, else the environment, else where one is found', () => {
    expect(findConfigFile(undefined)).toBe('config/kazoo-relay.yaml');
    process.env.KAZOO_RELAY_CONFIG = '';
    expect(findConfigFile(undefined)).toBe('config/kazoo-relay.yaml');
    process.env.KAZOO_RELAY_CONFIG = '/from/the/environment.yaml';
    expect(findConfigFile(undefined)).toBe('/from/the/environment.yaml');
    expect(findConfigFile('/from/the/flag.yaml')).toBe('/from/the/flag.yaml');
  });

  test('is not passed over where it may not be read', async () => {
    const cwd = mkdtempSync(join(folder, 'locked-'));
    const check = async () => (await cliProcess(['check'], { privileged: false, cwd })).stderr;
    mkdirSync(join(cwd, 'config'), { mode: 0o600 });
    expect(await check()).toContain(
      `with mode 0600, this is ${process.getuid?.()}:${process.getgid?.()}): use sudo, or name another with --config`,
    );
    chmodSync(join(cwd, 'config'), 0o700);
    expect(await check()).toMatch(/neither .* nor config\/kazoo-relay.yaml exists/);
  });

  test('is said to be missing where it is', () => {
    expect(() => loadConfig('/nowhere/kazoo-relay.yaml')).toThrow(ConfigError);
    expect(() => loadConfig('/nowhere/kazoo-relay.yaml')).toThrow(
      "/nowhere/kazoo-relay.yaml: can't be read: there is no such file",
    );
    expect(() => loadConfig(folder)).toThrow(/can't be read: it is a directory/);
  });
});

describe('durations, sizes and times', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
  ])('%s is %d milliseconds', (text, milliseconds) => {
    expect(loadConfig(fileOf(`${minimal}queue: { expires: ${text} }`)).queue.expires).toBe(milliseconds);
  });

  test.each([
    ['64MiB', 67_108_864],
    ['100 MB', 100_000_000],
    ['4096b', 4_096],
    ['0.5 KiB', 512],
  ])('%s is %d bytes', (text, bytes) => {
    expect(loadConfig(fileOf(`${minimal}queue: { maxLengthBytes: ${text} }`)).queue.maxLengthBytes).toBe(bytes);
  });

  test.each([
    ['0', 0],
    ['4097B', 4_097],
    ['3KiB', 3_072],
  ])('%s is shown as it may be written', (text, bytes) => {
    const size = { doc: '', format: 'size', default: 0 };
    expect(String(formatValue(bytes, size))).toBe(text);
    const file = fileOf(minimal.replace('type: log', `type: file, path: a, rotate: 1d, maxSize: ${text}`));
    expect(loadConfig(file).routes[0]?.sink.options).toMatchObject({ maxSize: bytes });
  });

  test('a time of `start` may have any zone', () => {
    const text = minimal.replace('sink:', 'start: 2026-11-24T12:00:00+02:00, sink:');
    expect(loadConfig(fileOf(text)).routes[0]?.start).toBe(Date.parse('2026-11-24T10:00:00Z'));
  });
});

describe('an @ is no mistake', () => {
  test.each([
    "type: database, url: 'postgres://u:p%40s%2Fw@10.0.0.20/kazoo'",
    "type: database, url: 'sqlite:///var/lib/me@here/kazoo.sqlite'",
    "type: webhook, url: 'https://example.com/@me?for=you@example.com'",
  ])('where it belongs: %s', (sink) => {
    expect(loadConfig(fileOf(minimal.replace('type: log', sink))).routes).toHaveLength(1);
  });
});

describe('a secret is never in a message', () => {
  const routes = 'routes: { all: { sink: { type: log } } }\n';

  test.each([
    '*geheim',
    ']geheim',
    '}geheim',
    '>geheim',
    '|geheim',
    '"\\geheim"',
    '!geheim x',
    '@geheim',
    '`geheim',
    '%geheim',
    '&geheim',
    '? geheim',
    'a: geheim: b',
  ])('without the text of a value that YAML can’t read: %s', (value) => {
    const message = messageOf(`brokers:\n  - zone: west\n    url: ${value}\n${routes}`);
    expect(message).toMatch(/kazoo-relay.yaml/);
    expect(message).not.toContain('geheim');
  });

  test('never with a password in it', () => {
    expect(messageOf(`brokers: [{ zone: west, url: 'http://user:geheim@127.0.0.1' }]\n${routes}`)).not.toContain(
      'geheim',
    );
  });

  test('also where aliases multiply without end, or the file is huge or no text', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [one, next] of ['ab', 'bc', 'cd', 'de', 'ef'].map((pair) => pair.split(''))) {
      bomb.push(`${next}: &${next} [${Array(10).fill(`*${one}`).join(', ')}]`);
    }
    expect(messageOf(bomb.join('\n'))).toContain('alias');
    expect(messageOf(`# ${'x'.repeat(8 * 1024 * 1024)}`)).toContain('larger than 8 MiB');
    const file = join(folder, 'binary.yaml');
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00]));
    expect(() => loadConfig(file)).toThrow(/not UTF-8/);
  });
});

const minimal = 'brokers: [{ zone: west, url: amqp://127.0.0.1 }]\nroutes: { all: { sink: { type: log } } }\n';

function fileOf(text: string): string {
  const file = join(folder, 'kazoo-relay.yaml');
  writeFileSync(file, text);
  return file;
}

function messageOf(text: string): string {
  try {
    loadConfig(fileOf(text));
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(folder, '');
    throw error;
  }
  return 'no mistake';
}
