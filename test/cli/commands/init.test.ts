import { chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'yaml';
import { newConfigText } from '../../../src/config/describe/new-config.ts';
import { checkConfig } from '../../../src/config/load.ts';
import { cli, dialogue } from '../../support/cli.ts';
import { configFolder } from '../../support/config-folder.ts';
import { runs } from '../../support/runs.ts';

const folder = configFolder();
const file = () => join(folder.path, 'etc/relay.yaml');
/** Nobody is there: what is tried fails, and the file is written all the same. */
const nobody = 'amqp://relay:geheim@127.0.0.1:1';
const written = () => parse(readFileSync(file(), 'utf8'));

describe('init', () => {
  test('asks on a terminal for what no option says', async () => {
    const answers = [nobody, 'west', 'amqp://127.0.0.1:2', '', '', 'FOLDER/journal', 'log', 'FOLDER/a.ndjson', ''];
    const { stdout, left } = await init(answers);
    expect(left).toEqual([]);
    expect(written()).toEqual({
      brokers: [
        { zone: 'west', url: nobody },
        { zone: 'local', url: 'amqp://127.0.0.1:2' },
      ],
      journal: { path: join(folder.path, 'journal') },
      routes: {
        log: { sink: { type: 'log' } },
        archive: { sink: { type: 'file', path: join(folder.path, 'a.ndjson') } },
      },
    });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(stdout).toContain('failed   broker west 127.0.0.1:1');
  });

  test('asks for nothing that an option says', async () => {
    const { left, code } = await init([], '--broker', `west=${nobody}`, '--journal', folder.path, '--sink', 'log');
    expect([left, code]).toEqual([[], 1]);
    expect(written().brokers).toEqual([{ zone: 'west', url: nobody }]);
  });

  test('writes nothing where it gets no answer', async () => {
    expect(await init([null], '--sink', 'log')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no answer: nothing was done'),
    });
    expect(existsSync(file())).toBe(false);
  });

  test.each([
    [['--sink', 'log'], 'name a RabbitMQ with --broker, or KAZOO'],
    [['--broker', nobody], 'say what gets the notifications with --sink'],
    [['--broker', 'http://127.0.0.1'], 'It must be amqp://… or amqps://…'],
    [['--kazoo-config', '/nowhere.ini', '--sink', 'log'], "/nowhere.ini can't be read"],
  ])('without a terminal says what is missing or wrong: %j', async (args, message) => {
    const { code, stderr } = await cli(['init', '--config', file(), ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(existsSync(file())).toBe(false);
  });

  test("takes KAZOO's own brokers, and shows no password of them", async () => {
    const ini = folder.write('config.ini', `[zone]\nname = west\namqp_uri = "${nobody}"\n`, 0o644);
    const { stdout } = await init([], '--kazoo-config', ini, '--journal', folder.path, '--sink', 'log');
    expect(written().brokers).toEqual({ kazooConfig: ini });
    expect(stdout).toContain('config.ini names 1 broker: west 127.0.0.1:1\n');
    expect(stdout).not.toContain('geheim');
  });

  test('never overwrites a file unless it is told to, and keeps it then', async () => {
    folder.write('etc/relay.yaml', 'ours: true\n');
    const args = ['--broker', nobody, '--journal', folder.path, '--sink', 'log'];
    expect(await init([], ...args)).toMatchObject({ code: 2, stderr: expect.stringContaining('exists already') });
    expect(written()).toEqual({ ours: true });
    await init([], ...args, '--force');
    expect(written().routes).toEqual({ log: { sink: { type: 'log' } } });
    expect(readFileSync(`${file()}.old`, 'utf8')).toBe('ours: true\n');
  });

  test('takes the place of the example that was installed', async () => {
    mkdirSync(join(folder.path, 'etc'));
    copyFileSync('config/systemd.yaml', file());
    await init([], '--broker', nobody, '--journal', folder.path, '--sink', 'log');
    expect(written().routes).toEqual({ log: { sink: { type: 'log' } } });
  });

  (process.getuid?.() === 0 ? test : test.skip)('lets the group of the folder read what root writes', async () => {
    mkdirSync(join(folder.path, 'etc'));
    chownSync(join(folder.path, 'etc'), 0, 1);
    await init([], '--broker', nobody, '--journal', folder.path, '--sink', 'log');
    const { mode, gid } = statSync(file());
    expect([mode & 0o777, gid]).toEqual([0o640, 1]);
  });
});

describe('the configuration that it writes', () => {
  const sinks = ['log', '/var/log/a.ndjson', 'https://crm.example.com/hooks', 'postgres://u:p@db/x', 'log'];

  test.each([
    ['brokers', [{ zone: 'west', url: nobody }]],
    ["KAZOO's own file", 'FOLDER/config.ini'],
  ])('has no mistakes, with %s and each kind of sink', (_, brokers) => {
    folder.write('config.ini', `[amqp]\nuri = "${nobody}"\n`);
    const from = typeof brokers === 'string' ? brokers.replace('FOLDER', folder.path) : brokers;
    const path = folder.write('relay.yaml', newConfigText({ brokers: from, journal: '/var/lib/relay', sinks }));
    const { config, errors } = checkConfig(path, { env: {}, flags: [] });
    expect(errors).toEqual([]);
    expect(config?.routes.map(({ name, sink }) => [name, sink.type])).toEqual([
      ['log', 'log'],
      ['archive', 'file'],
      ['webhook', 'webhook'],
      ['database', 'database'],
      ['log-2', 'log'],
    ]);
  });

  test('says what was answered, whatever that means in YAML', () => {
    const answer = fc.string({ minLength: 1 }).filter((one) => one.trim() === one && one.trim() !== '');
    fc.assert(
      fc.property(answer, answer, (zone, path) => {
        const url = `postgres://${path}`;
        const config = parse(newConfigText({ brokers: [{ zone, url: path }], journal: path, sinks: [url] }));
        expect(config.brokers).toEqual([{ zone, url: path }]);
        expect([config.journal.path, config.routes.database.sink.url]).toEqual([path, url]);
      }),
      runs(100),
    );
  });
});

function init(answers: readonly (string | null)[], ...args: string[]) {
  const given = answers.map((answer) => answer?.replace('FOLDER', folder.path) ?? null);
  return dialogue(['init', '--config', file(), ...args], given);
}
