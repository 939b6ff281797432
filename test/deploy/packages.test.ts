import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { mistakesIn } from '../../scripts/packages.ts';

const integrity = `sha512-${'A'.repeat(86)}==`;
const license = 'MIT';
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));

describe('the packages', () => {
  test('have their checksums and allowed licences, and name no registry', () => {
    expect(mistakesIn(lock)).toEqual([]);
  });

  test.each([
    ['nothing at all', {}],
    ['an empty one', { integrity: '' }],
    ['one that can be forged', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }],
    ['a part of one', { integrity: integrity.slice(0, 40) }],
    ['one of a package that is optional', { optional: true }],
  ])('are refused with %s for a checksum', (_what, entry) => {
    const packages = { '': {}, 'node_modules/a/node_modules/@b/c': { license: 'MIT', ...entry } };
    expect(mistakesIn({ packages })).toEqual(['node_modules/a/node_modules/@b/c has no checksum (sha512)']);
  });

  test('are looked at by npm run check, which fails where one has no checksum', () => {
    expect(readFileSync('scripts/check.mjs', 'utf8')).toContain("['node', 'scripts/packages.ts']");
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-lock-'));
    writeFileSync(join(folder, 'package-lock.json'), '{"packages":{"node_modules/a":{}}}');
    const { status, stdout } = spawnSync(process.execPath, [resolve('scripts/packages.ts')], { cwd: folder });
    rmSync(folder, { recursive: true });
    expect(String(stdout)).toContain('node_modules/a has no checksum (sha512)');
    expect(status).toBe(1);
  });

  test('are refused where one says where it comes from, and taken where they are of this checkout', () => {
    const own = { '': {}, 'tools/runtime': {}, 'node_modules/runtime': { resolved: 'tools/runtime', link: true } };
    expect(mistakesIn({ packages: { ...own, 'node_modules/a': { integrity, license } } })).toEqual([]);
    const packages = {
      ...own,
      'node_modules/a': { integrity, license, resolved: 'https://registry.example.com/a.tgz' },
    };
    expect(mistakesIn({ packages })).toEqual(['node_modules/a names a place that it comes from (resolved)']);
  });

  test.each([
    ['one that asks for the sources', 'GPL-3.0-only', {}, false],
    ['none', undefined, {}, false],
    ['none that could be named', 'SEE LICENSE IN LICENSE', {}, false],
    ['one that allows it', 'ISC', {}, true],
    ['a choice with one that allows it', '(GPL-2.0-only OR MIT)', {}, true],
    ['several of which one doesn’t', 'MIT AND GPL-2.0-only', {}, false],
    ['several that do', 'Apache-2.0 AND MIT', {}, true],
    ['one for development that nothing ships', 'MPL-2.0', { dev: true }, true],
    ['the same where it is shipped', 'MPL-2.0', {}, false],
  ])('are looked at for their licence: %s', (_what, license, entry, isAllowed) => {
    const packages = { 'node_modules/a': { integrity, ...entry, ...(license === undefined ? {} : { license }) } };
    const why = `node_modules/a has the licence ${license ?? '(none)'}, which scripts/packages.ts doesn't allow`;
    expect(mistakesIn({ packages })).toEqual(isAllowed ? [] : [why]);
  });

  test('run nothing when they are installed', () => {
    const files = ['Dockerfile', ...globSync(['deploy/*.sh', 'scripts/**/*.{mjs,ts}', 'bench/**/*.ts'])];
    const commands = files.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => /\bnpm'?,? ?\[?'?(ci|install|i)\b/.test(line) && !/^\s*(#|\/\/)/.test(line)),
    );
    expect(commands.length).toBeGreaterThan(3);
    expect(commands.filter((line) => !line.includes('--ignore-scripts'))).toEqual([]);
    expect(readFileSync('.npmrc', 'utf8')).toMatch(/^ignore-scripts=true$/m);
  });

  test('have among them the Node that a release ships, which what is published does not depend on', () => {
    const node = /^ARG NODE=(\d+\.\d+\.\d+)-/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1];
    const { private: isPrivate, optionalDependencies } = JSON.parse(readFileSync('tools/runtime/package.json', 'utf8'));
    expect(isPrivate).toBe(true);
    const runtimes = Object.keys(optionalDependencies);
    expect(runtimes).toContain(`node-linux-${process.arch}`);
    for (const name of runtimes) {
      expect(optionalDependencies[name]).toBe(node);
      expect(lock.packages[`node_modules/${name}`]).toMatchObject({ version: node, optional: true });
    }
    // Which is the one that npm has put there.
    expect(readFileSync('deploy/release.sh', 'utf8')).toContain(
      'mv "$tree/node_modules/node-linux-$cpu/bin/node" "$tree/bin/node"',
    );
    expect(realpathSync('node_modules/.bin/node')).toBe(resolve(`node_modules/node-linux-${process.arch}/bin/node`));
    const { dependencies, optionalDependencies: others = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(Object.keys({ ...dependencies, ...others }).filter((name) => /^node(-|$)|runtime$/.test(name))).toEqual([]);
  });
});

test('a release takes no configuration but those that are there', () => {
  const names = /config\/\{(.*)\}\.yaml/.exec(readFileSync('deploy/release.sh', 'utf8'))?.[1]?.split(',') ?? [];
  expect(names.length).toBeGreaterThan(0);
  expect(globSync(names.map((name) => `config/${name}.yaml`))).toHaveLength(names.length);
});
