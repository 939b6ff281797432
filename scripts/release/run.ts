// npm run release -- [--out FOLDER] [PART…]: builds what a release consists of, into release/ or FOLDER; with names of
// parts only these. The same sources give the same bytes, wherever and whenever it runs: all times are the commit's, or
// SOURCE_DATE_EPOCH's.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeTree } from './tree.ts';

/** What each part is made from. */
export interface Release {
  readonly version: string;
  /** Unix seconds: the time of every file. */
  readonly epoch: number;
  /** The folder that takes what is made; other parts write there too. */
  readonly out: string;
  /** The checkout. */
  readonly root: string;
  /**
   * All that an installation consists of, Node too, as `deploy/install.sh` would put it into /opt: with times, and with
   * modes as the umask doesn't matter. Made once, when it is first asked for. Copy from it; never write into it.
   */
  readonly tree: () => string;
  /** A folder for what is temporary; it goes with the run. */
  readonly work: string;
}

export interface Part {
  build(release: Release): Promise<void>;
}

const parts: Readonly<Record<string, () => Promise<Part>>> = {
  tarball: () => import('./tarball.ts'),
};

const { values, positionals } = parseArgs({
  options: { out: { type: 'string', default: 'release' } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) fail(`there is no part ${unknown.join(', ')}: there are ${Object.keys(parts).join(', ')}`);

const root = resolve(import.meta.dirname, '../..');
const work = mkdtempSync(join(realpathSync(tmpdir()), 'kazoo-relay-release-'));
try {
  await buildAll(positionals.length > 0 ? positionals : Object.keys(parts));
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function buildAll(names: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  const epoch = epochOf(root);
  // Libraries and tools that write a time of their own take this one instead.
  process.env.SOURCE_DATE_EPOCH = String(epoch);
  process.env.TZ = 'UTC';
  process.env.LC_ALL = 'C.UTF-8';
  let tree: string | undefined;
  const release: Release = {
    ...{ version, epoch, out, root, work },
    tree: () => {
      tree ??= makeTree(root, join(work, 'tree'), epoch);
      return tree;
    },
  };
  for (const name of names) {
    console.error(`kazoo-relay: building ${name} …`);
    await (await parts[name]?.())?.build(release);
  }
}

function epochOf(folder: string): number {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no');
  if (changed !== '') console.error(`kazoo-relay: this release is not of the commit, since files differ:\n${changed}`);
  return Number(git('log', '-1', '--format=%ct'));
}

function fail(text: string): never {
  console.error(`kazoo-relay: ${text}`);
  process.exit(2);
}
