import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncApi } from '../schemas/asyncapi.ts';
import { bundle } from '../schemas/envelope.ts';
import { settle } from './files.ts';
import { writeNotices } from './notices.ts';
import type { Release } from './run.ts';

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

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** package.json, without what is for development; of the libraries only those that dist/ doesn't hold. */
function manifest(root: string): Manifest {
  const {
    private: _private,
    scripts: _scripts,
    workspaces: _workspaces,
    devDependencies: _dev,
    ...rest
  } = jsonIn<Manifest>(join(root, 'package.json'));
  return {
    ...rest,
    // For the types any will do; the command itself refuses one that is too old.
    engines: { node: '>=20' },
    dependencies: Object.fromEntries(requiredLate(root).map((name) => [name, installed(root, name).version])),
    // What koffi needs of it for this machine; koffi itself would run a script at its installation.
    optionalDependencies: Object.fromEntries(
      Object.entries(installed(root, 'koffi').optionalDependencies ?? {}).filter(([name]) => name.includes('-linux-')),
    ),
  };
}

/** Libraries that the sources load with `require`: the build leaves them where they are. */
function requiredLate(root: string): string[] {
  const sources = globSync(join(root, 'src/**/*.ts')).map((file) => readFileSync(file, 'utf8'));
  const names = sources.flatMap((text) => [...text.matchAll(/\brequire\('([^'.:]+)'\)/g)].map(([, name = '']) => name));
  return [...new Set(names)].toSorted();
}

interface Installed {
  readonly version: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function installed(root: string, name: string): Installed {
  return jsonIn(join(root, 'node_modules', name, 'package.json'));
}

function jsonIn<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T; // the caller knows what npm writes there
}
