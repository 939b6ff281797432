// node scripts/checksums.ts: every package that package-lock.json names has its checksum, so that nobody can put another
// one in its place; and the file says nothing of a registry, so that it is good for all. Exit code 1 where it isn't so.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

interface LockFile {
  readonly packages: Readonly<Record<string, Entry>>;
}

interface Entry {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
}

/** What is wrong with the entries of a lock file, a line each. */
export function mistakesIn({ packages }: LockFile): string[] {
  // Of this checkout are the root, the workspaces, and the links to these.
  const foreign = Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && !link);
  const bare = foreign.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''));
  const placed = foreign.filter(([, { resolved }]) => resolved !== undefined);
  return [
    ...bare.map(([path]) => `${path} has no checksum (sha512)`),
    ...placed.map(([path]) => `${path} names a place that it comes from (resolved)`),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const lock: LockFile = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const mistakes = mistakesIn(lock);
  if (mistakes.length > 0) {
    const cure = 'npm install --ignore-scripts --package-lock-only writes them anew';
    console.log(`package-lock.json:\n  ${mistakes.join('\n  ')}\nTake these entries out of it: ${cure}.`);
    process.exitCode = 1;
  }
}
