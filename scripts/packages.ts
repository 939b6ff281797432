// node scripts/packages.ts: every package that a package-lock.json names has its checksum, so that nobody can put another
// one in its place, and a licence that we may pass on; and the file says nothing of a registry, so that it is good for all.
// Exit code 1 where it isn't so.
import { globSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

interface LockFile {
  readonly packages: Readonly<Record<string, Entry>>;
}

interface Entry {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
}

/** What the packages of a release may have: nothing is asked but to name them. */
const shipped: ReadonlySet<string> = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Unlicense',
]);

/** What is only used here, and never passed on, may have these too. */
const used: ReadonlySet<string> = new Set([...shipped, 'MPL-2.0', 'CC-BY-4.0', 'Python-2.0']);

/** What is wrong with the entries of a lock file, a line each. @param ships whether a release holds what isn't for development */
export function mistakesIn({ packages }: LockFile, ships = true): string[] {
  // Of this checkout are the root, the workspaces, and the links to these.
  const foreign = Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && !link);
  const bare = foreign.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''));
  const placed = foreign.filter(([, { resolved }]) => resolved !== undefined);
  const barred = foreign.filter(([, { license, dev }]) => !allows(ships && !dev ? shipped : used, license));
  return [
    ...bare.map(([path]) => `${path} has no checksum (sha512)`),
    ...placed.map(([path]) => `${path} names a place that it comes from (resolved)`),
    ...barred.map(
      ([path, { license }]) =>
        `${path} has the licence ${license ?? '(none)'}, which scripts/packages.ts doesn't allow`,
    ),
  ];
}

/** By an expression of SPDX. What nests deeper than one pair of parentheses has none of the names, and isn't allowed. */
function allows(names: ReadonlySet<string>, expression = ''): boolean {
  const alternatives = expression.replace(/^\((.*)\)$/, '$1').split(' OR ');
  return alternatives.some((all) => all.split(' AND ').every((name) => names.has(name)));
}

const cure =
  'Take an entry without checksum, or with a place, out of the file: npm install --ignore-scripts --package-lock-only writes it ' +
  'anew. Replace a package whose licence is not allowed by another.';

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const file of globSync(['package-lock.json', 'tools/*/package-lock.json'])) {
    // What the tools need, no release holds.
    const mistakes = mistakesIn(JSON.parse(readFileSync(file, 'utf8')), file === 'package-lock.json');
    if (mistakes.length === 0) continue;
    console.log(`${file}:\n  ${mistakes.join('\n  ')}\n${cure}`);
    process.exitCode = 1;
  }
}
