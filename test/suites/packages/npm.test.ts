import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { allEvents } from '../../../scripts/schemas/envelope.ts';
import { normalise } from '../../../src/kazoo/normalise.ts';

/** Besides the one that runs this. */
const older = { 20: '20.20.2', 22: '22.23.3' };

describe('the package for npm, in a project of somebody else', () => {
  let project: string;
  let before: string[];
  const nodes: [version: string, node: () => string][] = [
    ...Object.entries(older).map(([major, version]): [string, () => string] => [
      version,
      () => join(project, `tools/node_modules/node-${major}/bin/node`),
    ]),
    [process.versions.node, () => process.execPath],
  ];

  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'somebody-else-'));
    const tools = join(project, 'tools');
    mkdirSync(tools);
    execFileSync('npm', ['run', '--silent', 'release', '--', '--out', tools, 'npm'], { stdio: ['ignore', 2, 2] });
    writeFileSync(join(project, 'package.json'), '{ "name": "somebody-else", "type": "module", "private": true }');
    install(project, ...globSync(join(tools, '*.tgz')));
    before = readdirSync(join(project, 'node_modules'));
    const names = Object.entries(older).map(
      ([major, version]) => `node-${major}@npm:node-linux-${process.arch}@${version}`,
    );
    writeFileSync(join(tools, 'package.json'), '{}');
    install(tools, ...names, 'typescript@5.9.3', '@types/node@20.19.43');
    copyFileSync('test/suites/packages/npm/receiver.ts', join(project, 'receiver.ts'));
    writeFileSync(join(project, 'examples.ts'), examples());
  });

  afterAll(() => rmSync(project, { recursive: true, force: true }));

  test('brings the libraries that the program loads when it needs them, and no Node', () => {
    expect(before.filter((name) => !name.startsWith('.'))).toEqual([
      '@koromix',
      '@marcbachmann',
      'commander',
      'kazoo-relay',
      'liquidjs',
      're2js',
    ]);
  });

  test.each(nodes)(
    'has types that the strict compiler takes, and schemas to import, under Node %s',
    (_version, node) => {
      const compilers = [join(project, 'tools/node_modules/typescript/bin/tsc')];
      // TypeScript 7 itself asks for a newer Node than what it compiles.
      if (node() === process.execPath) compilers.push(resolve('node_modules/typescript/bin/tsc'));
      const strict = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--resolveJsonModule'];
      const types = ['--types', 'node', '--typeRoots', 'tools/node_modules/@types'];
      for (const compiler of compilers) {
        const { status, stdout } = run(node(), [compiler, ...strict, ...types, 'receiver.ts', 'examples.ts']);
        expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
      }
      const voicemail = allEvents.find(({ name }) => name === 'voicemail_new');
      const { status, stdout, stderr } = run(node(), [
        'receiver.js',
        envelope('voicemail_new', voicemail?.category ?? '', dataOf('voicemail_new')),
      ]);
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toBe(
        'voicemail: 202511-3a5c7e9f1b2d40688ace02468bdf1357, 63930003760\n' +
          'urn:kazoo-relay:schema:voicemail_new urn:kazoo-relay:schema:envelope urn:kazoo-relay:schema:bundle\n',
      );
    },
  );

  test.each(nodes.slice(0, -1))('has a command that says under Node %s which one it needs', (version, node) => {
    const { status, stderr } = run(node(), ['node_modules/.bin/kazoo-relay', 'run']);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `kazoo-relay: it needs Node 24 or later; this is Node ${version}\n`,
    });
  });

  test('has a command that runs under Node 24, with all that it loads late', () => {
    mkdirSync(join(project, 'schemas'));
    writeFileSync(join(project, 'schemas/low_balance.json'), '{ "properties": { "node": { "pattern": "^kazoo" } } }');
    writeFileSync(join(project, 'kazoo-relay.yaml'), configuration);
    const { status, stdout, stderr } = run(process.execPath, [
      'node_modules/.bin/kazoo-relay',
      'check',
      '--config',
      'kazoo-relay.yaml',
    ]);
    expect({ status, text: stdout + stderr }).toEqual({ status: 0, text: expect.stringContaining('kazoo-relay.yaml') });
    expect(stdout + stderr).not.toMatch(/cannot find|MODULE_NOT_FOUND/i);
  });

  function run(node: string, args: string[]) {
    return spawnSync(node, args, { cwd: project, encoding: 'utf8' });
  }
});

const configuration = `
brokers: [{ zone: local, url: 'amqp://guest:guest@127.0.0.1:5672' }]
journal: { path: ./journal }
validation: { schemas: [./schemas] }
routes:
  one:
    where: data.voicemail_length > 1000
    events: [voicemail_new]
    sink:
      type: webhook
      url: https://receiver.example.com
      format: template
      template: { contentType: application/json, body: '{"text": "{{ data.caller_id_name }}"}' }
`;

/** Every example of the catalogue, as a value of its event's type. */
function examples(): string {
  const values = allEvents.map(
    ({ name, category }) =>
      `export const ${name}: EventEnvelope<'${name}'> = ${envelope(name, category, dataOf(name))};`,
  );
  return ["import type { EventEnvelope } from 'kazoo-relay/events';", ...values].join('\n');
}

function dataOf(name: string) {
  return normalise(allEvents.find((event) => event.name === name)?.example ?? {}).data;
}

function envelope(event: string, category: string, data: object): string {
  return JSON.stringify({
    ...{ id: '0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55', event, category, account_id: null, zone: 'local', node: null },
    ...{ occurred_at: '2026-11-24T10:00:00.000Z', received_at: '2026-11-24T10:00:00.000Z', routing_key: '' },
    ...{ valid: true, problems: [], resend_of: null, data },
  });
}

function install(folder: string, ...packages: string[]): void {
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  execFileSync('npm', [...args, ...packages], { cwd: folder, stdio: ['ignore', 2, 2] });
}
