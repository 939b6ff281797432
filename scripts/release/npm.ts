import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncApi } from '../schemas/asyncapi.ts';
import { bundle } from '../schemas/envelope.ts';
import { settle } from './files.ts';
import { lateLibraries } from './libraries.ts';
import { writeNotices } from './notices.ts';
import type { Release } from './release.ts';

/** The package for npm: the program without a Node, the types and the schemas. `npm publish` takes the file as it is. */
export async function build({ version, epoch, out, root, tree, work }: Release): Promise<void> {
  const folder = join(work, 'npm');
  mkdirSync(folder);
  for (const name of ['dist', 'schemas', 'config', 'README.md', 'LICENSE']) {
    cpSync(join(tree(), name), join(folder, name), { recursive: true });
  }
  // Only the release's sources would tell them what to say.
  for (const map of globSync(join(folder, 'dist/**/*.map'))) rmSync(map);
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest(root), null, 2)}\n`);
  writeFileSync(join(folder, 'schemas/all/bundle.json'), `${JSON.stringify(bundle())}\n`);
  writeFileSync(join(folder, 'schemas/all/asyncapi.json'), `${JSON.stringify(asyncApi(version))}\n`);
  writeNotices(root, folder, { node: false });
  settle(folder, epoch);
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', out], { cwd: folder, stdio: 'ignore' });
}

/** package.json, without what is for development; of the libraries only those that dist/ doesn't hold. */
function manifest(root: string): object {
  const {
    private: _private,
    scripts: _scripts,
    workspaces: _workspaces,
    devDependencies: _dev,
    ...rest
  } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  return {
    ...rest,
    // For the types any will do; the command itself refuses one that is too old.
    engines: { node: '>=20' },
    ...lateLibraries(root),
  };
}
