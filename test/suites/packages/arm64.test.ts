// needs: debootstrap, qemu, rpm
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ownArch } from '../../../scripts/release/arch.ts';
import * as deb from '../../../scripts/release/deb.ts';
import { makeBases } from '../../../scripts/release/image/bases.ts';
import { buildDockerfile, type Image } from '../../../scripts/release/image/dockerfile.ts';
import * as rpm from '../../../scripts/release/rpm.ts';
import { makeTree } from '../../../scripts/release/tree.ts';

const canBuild = ownArch === 'amd64' && process.getuid?.() === 0 && existsSync('/usr/sbin/debootstrap');
const emulator = 'qemu-aarch64-static';
const canRun = canBuild && spawnSync(emulator, ['--version']).status === 0;
const what = canBuild
  ? `${canRun ? '' : ', but run, which needs qemu'}`
  : ', without root and debootstrap on amd64: LEFT OUT';

(canBuild ? describe : describe.skip)(`for arm64, on another kind of processor${what}`, () => {
  let folder: string;
  let image: Image;
  let installed: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-arm64-'));
    image = buildDockerfile({
      ...{ context: process.cwd(), work: folder, arch: 'arm64' },
      bases: makeBases(process.cwd(), join(folder, 'bases')),
    });
    const tree = makeTree(process.cwd(), join(folder, 'tree'), 0, 'arm64');
    const common = { version: '0.0.1', epoch: 1_790_000_000, arch: 'arm64', out: folder, root: process.cwd() } as const;
    const release = { ...common, work: folder, tree: () => tree, compress: false };
    await deb.build(release);
    await rpm.build(release);
    installed = join(folder, 'installed');
    execFileSync('dpkg-deb', ['--extract', fileNamed('*.deb'), installed]);
  }, 900_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('has packages that say so, with nothing in them of another kind', () => {
    const field = execFileSync('dpkg-deb', ['--field', fileNamed('*.deb'), 'Architecture'], { encoding: 'utf8' });
    const ofRpm = execFileSync('rpm', ['-qp', '--queryformat', '%{ARCH}', fileNamed('*.rpm')], { encoding: 'utf8' });
    expect([field.trim(), ofRpm]).toEqual(['arm64', 'aarch64']);
    for (const root of [installed, image.root]) {
      const machines = execFileSync('find', [root, '-type', 'f', '-size', '+4k'], {
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      })
        .trim()
        .split('\n')
        .flatMap((file) => machineOf(file) ?? []);
      expect(machines.length).toBeGreaterThan(1);
      expect(new Set(machines)).toEqual(new Set([0xb7]));
    }
  });

  (canRun ? test : test.skip)('has a package and an image that run, the image with its own libraries', () => {
    mkdirSync(join(folder, 'config'));
    const config = join(folder, 'config/kazoo-relay.yaml');
    writeFileSync(config, 'brokers: [{ zone: a, url: amqp://h }]\nroutes: { all: { sink: { type: log } } }\n');
    const version = (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version;
    for (const [node, program] of [
      [join(installed, 'usr/lib/kazoo-relay/bin/node'), join(installed, 'usr/lib/kazoo-relay')],
      [join(image.root, 'usr/local/bin/node'), join(image.root, 'opt/kazoo-relay')],
    ] as const) {
      const run = (...args: string[]) => {
        const line = ['-L', image.root, node, join(program, 'dist/main.js'), ...args];
        return execFileSync(emulator, line, { encoding: 'utf8' });
      };
      expect(run('--version')).toBe(`kazoo-relay ${version}\n`);
      expect(run('check', '--config', config)).toContain('no mistakes');
    }
  });

  function fileNamed(pattern: string): string {
    return globSync(join(folder, pattern))[0] ?? '';
  }
});

/** The kind of processor that a program or library is for, as ELF has it. */
function machineOf(file: string): number | undefined {
  const start = readFileSync(file).subarray(0, 20);
  return start.toString('latin1', 0, 4) === '\x7fELF' ? start.readUInt16LE(18) : undefined;
}
