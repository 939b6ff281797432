// node scripts/release/debian.ts DEBIAN FOLDER PACKAGE…: adds packages of a Debian, whose files an image has taken over, to the SBOM
// and the licences in FOLDER. DEBIAN is its root.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Bom, divider, numbered } from './notices.ts';

/** As the files of their copyright have it, but for tools that the image doesn't take. */
const licences: Readonly<Record<string, object>> = {
  libc6: { expression: 'LGPL-2.1-or-later' },
  'libgcc-s1': { expression: 'GPL-3.0-or-later WITH GCC-exception-3.1' },
  'libstdc++6': { expression: 'GPL-3.0-or-later WITH GCC-exception-3.1' },
  tzdata: { license: { name: 'public domain' } },
};

function addPackages(debian: string, folder: string, names: readonly string[]): void {
  const entries = readFileSync(join(debian, 'var/lib/dpkg/status'), 'utf8').split('\n\n');
  const components = names.map((name) => componentOf(name, entries));
  const file = join(folder, 'sbom.cdx.json');
  const bom = JSON.parse(readFileSync(file, 'utf8')) as Bom; // notices.ts wrote it
  const whole = numbered({ ...bom, components: [...bom.components, ...components] });
  writeFileSync(file, `${JSON.stringify(whole, null, 2)}\n`);
  for (const { name, version } of components) {
    const text = readFileSync(join(debian, 'usr/share/doc', name, 'copyright'), 'utf8');
    appendFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), `${divider}${name} ${version}, of Debian\n\n${text}`);
  }
}

function componentOf(name: string, entries: readonly string[]) {
  const entry = entries.find((text) => text.startsWith(`Package: ${name}\n`));
  const licence = licences[name];
  if (entry === undefined)
    throw new Error(`${name} is not among the packages of that Debian: see its var/lib/dpkg/status`);
  if (licence === undefined) throw new Error(`scripts/release/debian.ts must say which licence ${name} has`);
  const [version = '', arch = ''] = ['Version', 'Architecture'].map((field) => fieldOf(entry, field));
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${arch}`;
  return { 'bom-ref': purl, type: 'library', name, version, licenses: [licence], purl };
}

function fieldOf(entry: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(entry)?.[1];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [debian = '', folder = '', ...names] = process.argv.slice(2);
  addPackages(debian, folder, names);
}
