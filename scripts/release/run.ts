// npm run release -- [--out FOLDER] [--sign KEY] [--arch amd64|arm64] [--without PART] [PART…]: builds what a release consists of, into release/ or
// FOLDER; with names of parts only these; then SHA256SUMS, and with a key of gpg's a detached signature beside each file. But for these,
// the same sources give the same bytes, wherever and whenever it runs: all times are the commit's, or SOURCE_DATE_EPOCH's.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Arch, archs, isArch, ownArch } from './arch.ts';
import type { Part, Release } from './release.ts';
import { seal } from './seal.ts';
import { makeTree } from './tree.ts';

const parts: Readonly<Record<string, () => Promise<Part>>> = {
  tarball: () => import('./tarball.ts'),
  deb: () => import('./deb.ts'),
  rpm: () => import('./rpm.ts'),
  npm: () => import('./npm.ts'),
  asyncapi: () => import('./asyncapi.ts'),
  sbom: () => import('./sbom.ts'),
  image: () => import('./image.ts'),
};

const { values, positionals } = parseArgs({
  options: {
    out: { type: 'string', default: 'release' },
    sign: { type: 'string' },
    arch: { type: 'string', default: ownArch },
    without: { type: 'string', multiple: true, default: [] },
  },
  allowPositionals: true,
});
const unknown = [...positionals, ...values.without].filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) fail(`there is no part ${unknown.join(', ')}: there are ${Object.keys(parts).join(', ')}`);

const { arch } = values;
if (!isArch(arch)) fail(`there is no --arch ${arch}: there are ${Object.keys(archs).join(', ')}`);

const root = resolve(import.meta.dirname, '../..');
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
if (values.sign !== undefined && readdirSync(out).length > 0)
  fail(`${out} has files, which would be signed too: remove them, or name another folder with --out`);
const epoch = epochOf(root);
const work = mkdtempSync(join(realpathSync(tmpdir()), 'kazoo-relay-release-'));
try {
  const chosen = positionals.length > 0 ? positionals : Object.keys(parts);
  await buildAll(
    chosen.filter((name) => !values.without.includes(name)),
    arch,
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function buildAll(names: readonly string[], arch: Arch): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  // Libraries and tools that write a time of their own take this one instead.
  process.env.SOURCE_DATE_EPOCH = String(epoch);
  process.env.TZ = 'UTC';
  process.env.LC_ALL = 'C.UTF-8';
  let tree: string | undefined;
  const release: Release = {
    ...{ version, epoch, out, root, work, arch },
    tree: () => {
      tree ??= makeTree(root, join(work, 'tree'), epoch, arch);
      return tree;
    },
  };
  for (const name of names) {
    console.error(`kazoo-relay: building ${name} …`);
    await (await parts[name]?.())?.build(release);
  }
  seal(out, values.sign);
}

function epochOf(folder: string): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  const git = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
    if (status === 0) return stdout.trim();
    fail(
      `git can't say of which commit this is, whose time all files get: set SOURCE_DATE_EPOCH to a time\n${stderr ?? ''}`,
    );
  };
  const changed = git('status', '--porcelain', '--untracked-files=no');
  if (changed !== '') {
    const what = `this release is not of the commit, since files differ:\n${changed}`;
    if (values.sign !== undefined) fail(`${what}\nCommit them: nothing else is signed`);
    console.error(`kazoo-relay: ${what}`);
  }
  return Number(git('log', '-1', '--format=%ct'));
}

function fail(text: string): never {
  console.error(`kazoo-relay: ${text}`);
  process.exit(2);
}
