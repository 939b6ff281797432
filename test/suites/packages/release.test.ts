import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { allEvents } from '../../../scripts/schemas/envelope.ts';
import { installTool } from '../../support/tool.ts';

const epoch = 1_790_000_000;

describe('a release', () => {
  let folder: string;
  let gnupg: string;
  const outs: string[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-twice-'));
    gnupg = join(folder, 'gnupg');
    mkdirSync(gnupg, { mode: 0o700 });
    gpg('--quick-generate-key', '--passphrase', '', 'release@example.com', 'ed25519', 'sign', 'never');
    outs.push(buildIn(join(folder, 'one'), '022', { TZ: 'UTC', LC_ALL: 'C' }));
    const elsewhere = { TZ: 'Asia/Kolkata', LC_ALL: 'de_DE.UTF-8', GNUPGHOME: gnupg };
    outs.push(buildIn(join(folder, 'another/one'), '077', elsewhere, '--sign', 'release@example.com'));
  });

  afterAll(() => {
    // It was started by gpg, and would outlive its folder.
    spawnSync('gpgconf', ['--homedir', gnupg, '--kill', 'all']);
    rmSync(folder, { recursive: true, force: true });
  });

  test('has the same bytes from another folder, at another time, under another umask and time zone', () => {
    const [one = '', other = ''] = outs;
    expect(namesIn(one).length).toBeGreaterThan(4);
    expect(checksumsIn(other)).toEqual(checksumsIn(one));
  });

  test('holds files of the time that it is told, that everybody may read', () => {
    const args = ['--list', '--verbose', '--full-time', '--utc', '--file', fileNamed('.tar.gz')];
    const lines = execFileSync('tar', args, { encoding: 'utf8', maxBuffer: 1 << 26 }).split('\n');
    const time = new Date(epoch * 1000).toISOString().replace('T', ' ').slice(0, 19);
    const odd = lines.filter((line) => line !== '' && !(line.includes(time) && /^.r..r..r../.test(line)));
    expect(odd).toEqual([]);
    for (const name of ['sbom.cdx.json', 'THIRD-PARTY-LICENSES.txt']) {
      expect(
        lines.filter((line) => line.endsWith(`-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}/${name}`)),
      ).toHaveLength(1);
    }
  });

  test('has the checksum of each file and, where there is a key, a signature beside it', () => {
    const [unsigned = '', out = ''] = outs;
    execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: out, stdio: 'ignore' });
    const sums = readFileSync(join(out, 'SHA256SUMS'), 'utf8')
      .split('\n')
      .flatMap((line) => line.split('  ')[1] ?? []);
    expect([...sums, 'SHA256SUMS'].toSorted()).toEqual(namesIn(out));
    for (const name of namesIn(out)) gpg('--verify', join(out, `${name}.asc`), join(out, name));
    expect(() => gpg('--verify', join(out, 'SHA256SUMS.asc'), fileNamed('.cdx.json'))).toThrow();
    expect(readdirSync(unsigned).filter((name) => name.endsWith('.asc'))).toEqual([]);
  });

  test('is not signed where the checkout isn’t the commit, or where older files would be signed with it', () => {
    const one = join(folder, 'one');
    const git = 'git -c user.name=a -c user.email=a@example.com';
    const change = `git init --quiet && git add --all && ${git} commit --quiet --message one && echo >> README.md`;
    execFileSync('sh', ['-c', change], { cwd: one, stdio: 'ignore' });
    const { SOURCE_DATE_EPOCH: _none, ...env } = process.env;
    const sign = (...args: string[]) => {
      const all = ['run', '--silent', 'release', '--', '--sign', 'release@example.com', ...args];
      const { status, stderr } = spawnSync('npm', all, { cwd: one, env, encoding: 'utf8' });
      return { status, stderr };
    };
    expect(sign()).toEqual({ status: 2, stderr: expect.stringContaining(`${one}/release has files`) });
    const empty = join(folder, 'empty');
    expect(sign('--out', empty)).toEqual({ status: 2, stderr: expect.stringContaining('M README.md\nCommit them') });
    expect(readdirSync(empty)).toEqual([]);
  });

  test('lists in CycloneDX all that it is made of, and in one file the licences of all that', () => {
    const bom: Bom = JSON.parse(readFileSync(fileNamed('.cdx.json'), 'utf8'));
    expect(faultsByCycloneDx(installTool('formats', folder), bom)).toEqual([]);
    expect(
      faultsByCycloneDx(installTool('formats', folder), { ...bom, components: [{ name: 'nothing' }] }),
    ).not.toEqual([]);
    // What npm puts there, which is all but what is for development; and the Node.
    const list = execFileSync('npm', ['ls', '--all', '--omit', 'dev', '--parseable', '--long', '--workspaces=false'], {
      encoding: 'utf8',
    });
    const installed = new Set(
      list
        .split('\n')
        .flatMap((line) => line.split(':')[1] ?? [])
        .slice(1),
    );
    const refs = bom.components.map((component) => component['bom-ref']);
    expect(refs.toSorted()).toEqual([...installed, `node@${process.versions.node}`].toSorted());
    expect(bom.components.find(({ name }) => name === 'node')?.components?.map(({ name }) => name)).toContain(
      'openssl',
    );
    expect(bom.components.filter(({ name, licenses }) => name !== 'node' && licenses === undefined)).toEqual([]);
    const texts = readFileSync(fileNamed('-licenses.txt'), 'utf8');
    for (const ref of installed) expect(texts).toContain(`\n${ref.replace(/(.)@/, '$1 ')}\nLicence: `);
    expect(texts).toContain(`\nNode.js ${process.versions.node}\n`);
  });

  test('has an AsyncAPI document that its parser takes', () => {
    const text = readFileSync(fileNamed('.asyncapi.json'), 'utf8');
    const { messages, faults } = parsedByAsyncApi(installTool('formats', folder), text);
    expect(faults).toEqual([]);
    expect(messages).toBeGreaterThan(allEvents.length);
    const broken = text.replace('"#/components/schemas/envelope"', '"#/components/schemas/nothing"');
    expect(parsedByAsyncApi(installTool('formats', folder), broken).faults).not.toEqual([]);
  });

  function fileNamed(end: string): string {
    const out = outs[1] ?? '';
    return join(out, namesIn(out).find((name) => name.endsWith(end)) ?? '');
  }

  function gpg(...args: string[]): void {
    execFileSync('gpg', ['--homedir', gnupg, '--batch', '--quiet', ...args], { stdio: 'ignore' });
  }
});

/** Builds what git has or would add of this checkout, as it is now, in a folder of its own. */
function buildIn(folder: string, umask: string, environment: Record<string, string>, ...args: string[]): string {
  const files = 'git ls-files -z -co --exclude-standard | xargs -0 cp --parents -t "$0"';
  const copy = `mkdir -p "$0" && ${files} && cp -r --reflink=auto node_modules "$0"`;
  execFileSync('sh', ['-c', copy, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  // test/suites/packages/image.test.ts builds the image, which takes minutes.
  const command = `umask ${umask} && exec npm run --silent release -- --without image "$@"`;
  const { status, stderr } = spawnSync('sh', ['-c', command, 'release', ...args], {
    cwd: folder,
    env: { ...process.env, ...environment, SOURCE_DATE_EPOCH: String(epoch) },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return join(folder, 'release');
}

function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.endsWith('.asc'))
    .toSorted();
}

function checksumsIn(folder: string): [string, string][] {
  return namesIn(folder).map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex'),
  ]);
}

interface Component {
  readonly name: string;
  readonly 'bom-ref': string;
  readonly licenses?: readonly unknown[];
  readonly components?: readonly Component[];
}

interface Bom {
  readonly components: readonly Component[];
}

function faultsByCycloneDx(formats: string, bom: object): unknown[] {
  const schemas = join(formats, 'node_modules/@cyclonedx/cyclonedx-library/res/schema');
  const read = (name: string) => JSON.parse(readFileSync(join(schemas, name), 'utf8'));
  const ajv = new Ajv({ strict: false, validateFormats: false });
  // They refer to each other by the names of the files, which their own ids don't have.
  for (const name of ['spdx.SNAPSHOT.schema.json', 'jsf-0.82.SNAPSHOT.schema.json']) {
    ajv.addSchema({ ...read(name), $id: `http://cyclonedx.org/schema/${name}` });
  }
  ajv.validate(read('bom-1.5.SNAPSHOT.schema.json'), bom);
  return ajv.errors ?? [];
}

/** In a process of its own, because the parser is for CommonJS and takes what it finds beside it. */
function parsedByAsyncApi(formats: string, text: string): { messages: number; faults: readonly string[] } {
  const script = `
    const { Parser } = require('@asyncapi/parser');
    const text = require('node:fs').readFileSync(0, 'utf8');
    new Parser().parse(text).then(({ document, diagnostics }) => {
      // 0 is an error; a newer AsyncAPI that it would rather have is a hint.
      const faults = diagnostics.filter(({ severity }) => severity <= 1).map(({ message }) => message);
      console.log(JSON.stringify({ messages: document?.allMessages().length ?? 0, faults }));
    });`;
  return JSON.parse(
    execFileSync(process.execPath, ['--eval', script], { cwd: formats, input: text, encoding: 'utf8' }),
  );
}
