// node scripts/release/notices.ts FOLDER: what the licences and the law ask for, beside a program with its Node in FOLDER, where
// npm has put its libraries:
// sbom.cdx.json (CycloneDX: what it is made of) and THIRD-PARTY-LICENSES.txt (the licences of all that).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Writes both files. @param node whether a Node is shipped with it */
export function writeNotices(root: string, folder: string, { node }: { readonly node: boolean }): void {
  const packages = shippedPackages(root);
  writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(sbom(root, packages, node), null, 2)}\n`);
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licences(packages, node));
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly folder: string;
}

/** What the program is built of: all that isn't for development, and is there for this kind of machine. */
function shippedPackages(root: string): Package[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile; // npm writes it so
  const shipped = Object.entries(lock.packages)
    .filter(([path, { dev, link }]) => !dev && !link && path.includes(below) && existsSync(join(root, path)))
    .map(([path, entry]) => ({
      ...entry,
      name: path.slice(path.lastIndexOf(below) + below.length),
      folder: join(root, path),
    }))
    .filter(({ name }) => !isNode(name));
  const once = new Map(shipped.map((one) => [refOf(one), one]));
  return [...once.values()].toSorted((a, b) => (refOf(a) < refOf(b) ? -1 : 1));
}

function refOf({ name, version }: Pick<Package, 'name' | 'version'>): string {
  return `${name}@${version}`;
}

interface LockFile {
  readonly packages: Readonly<Record<string, Package & { dev?: true; link?: true }>>;
}

const below = 'node_modules/';

function isNode(name: string): boolean {
  return name.startsWith('node-linux-');
}

interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly components?: readonly Component[];
}

export interface Bom {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp?: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** npm's own for all packages, since it omits some that development needs too; less what isn't shipped and what changes with each run, and with the Node. */
function sbom(root: string, packages: readonly Package[], withNode: boolean): Bom {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];
  const text = execFileSync('npm', [...args, '--workspaces=false'], { cwd: root, encoding: 'utf8' });
  const { metadata, ...made } = JSON.parse(text) as Bom;
  const refs = new Set([...packages.map(refOf), metadata.component['bom-ref']]);
  const { timestamp: _now, ...lasting } = metadata;
  const { SOURCE_DATE_EPOCH: epoch } = process.env;
  const bom = {
    ...made,
    metadata: {
      ...(epoch === undefined ? {} : { timestamp: new Date(Number(epoch) * 1000).toISOString() }),
      ...lasting,
      component: { ...lasting.component, name: 'kazoo-relay', properties: [] },
    },
    components: [
      ...(withNode ? [nodeComponent()] : []),
      ...made.components.filter((component) => refs.has(component['bom-ref'])),
    ],
    dependencies: made.dependencies
      .filter(({ ref }) => refs.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn?.filter((one) => refs.has(one)) ?? [] })),
  };
  return numbered(bom);
}

/** With a number of what it says, so that the same has the same. */
export function numbered(bom: Bom): Bom {
  const hash = createHash('sha256')
    .update(JSON.stringify({ ...bom, serialNumber: '' }))
    .digest('hex');
  const parts = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ];
  return { ...bom, serialNumber: `urn:uuid:${parts.join('-')}` };
}

/** This Node, which is the one that is shipped, and the libraries in it. */
function nodeComponent(): Component & { readonly purl: string } {
  const { node, ...others } = process.versions;
  const libraries = Object.entries(others).filter(([name]) => !['modules', 'napi'].includes(name));
  return {
    ...{ 'bom-ref': `node@${node}`, type: 'platform', name: 'node', version: node, purl: `pkg:generic/node@${node}` },
    components: libraries.map(([name, version = '']) => ({
      ...{ 'bom-ref': `node@${node}/${name}@${version}`, type: 'library', name, version },
    })),
  };
}

/** Where this Node has its licence, be it a package or an image's. */
const nodeFolder = resolve(process.execPath, '../..');

function licences(packages: readonly Package[], withNode: boolean): string {
  const parts = [
    ...(withNode
      ? [{ name: 'Node.js', version: process.versions.node, license: 'MIT and others', folder: nodeFolder }]
      : []),
    ...packages,
  ].map(({ name, version, license, folder }) => `${name} ${version}\nLicence: ${license}\n\n${licenceTexts(folder)}`);
  return ['kazoo-relay is built of these. Their licences ask for this notice.\n', ...parts].join(divider);
}

export const divider = `\n${'-'.repeat(80)}\n\n`;

function licenceTexts(folder: string): string {
  const files = readdirSync(folder)
    .filter((name) => /^(licen[cs]e|copying|notice)(?!.*\.(js|ts)$)/i.test(name))
    .toSorted();
  if (files.length === 0) return 'The package has no text of it.\n';
  return files
    .map((name) => `${readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim()}\n`)
    .join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = resolve(process.argv[2] ?? '.');
  writeNotices(folder, folder, { node: true });
}
