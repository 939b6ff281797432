// node scripts/release/libraries.ts FOLDER: removes the libraries of FOLDER/node_modules that dist/ holds already, and of the others
// what is for compilers, for another C library, or for those who work on them.
import { existsSync, globSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Late {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

/** The libraries that dist/ doesn't hold, by version. */
export function lateLibraries(root: string): Late {
  return {
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
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function installed(root: string, name: string): Installed {
  // npm writes it so.
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')) as Installed;
}

function prune(folder: string): void {
  const { dependencies, optionalDependencies } = lateLibraries(resolve(import.meta.dirname, '../..'));
  const kept = new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies)]);
  const packages = join(folder, 'node_modules');
  // A set may grow while it is walked through.
  for (const name of kept) {
    if (!existsSync(join(packages, name))) continue;
    const own = join(packages, name, 'node_modules');
    for (const other of Object.keys(installed(folder, name).dependencies ?? {}))
      if (!existsSync(join(own, other))) kept.add(other);
  }
  const isKept = (path: string) =>
    [...kept].some((name) => `${path}/`.startsWith(`${name}/`) || name.startsWith(`${path}/`));
  const all = readdirSync(packages, { recursive: true, encoding: 'utf8' });
  for (const path of all)
    if (!isKept(path) || needless.test(path)) rmSync(join(packages, path), { recursive: true, force: true });
}

const needless = /(^|\/)(\.[^/]+|musl_[^/]+|[^/]+\.(html|sh|map|d\.[cm]?ts))$/;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) prune(resolve(process.argv[2] ?? '.'));
