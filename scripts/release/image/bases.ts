import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { type Arch, archs } from '../arch.ts';

/** The images that the Dockerfile begins with, as folders, by name: `debian:bookworm-…`. */
export type Bases = (name: string, arch: Arch) => string;

/**
 * Makes what an engine would pull from a registry of images of Debian's and npm's packages: Debian's slim image, and
 * Node's, which is the same with Node and npm. Each is made when it is first asked for. It needs root and debootstrap.
 * @param root the checkout, with its packages
 */
export function makeBases(root: string, work: string): Bases {
  const made = new Map<string, string>();
  const once = (key: string, make: (folder: string) => void): string => {
    const folder = join(work, key);
    if (!made.has(key)) {
      mkdirSync(work, { recursive: true });
      make(folder);
    }
    made.set(key, folder);
    return folder;
  };
  const debian = (arch: Arch) => once(`debian-${arch}`, (folder) => unpackDebian(folder, arch));
  return (name, arch) => {
    const [image, tag = ''] = name.split(':');
    if (image === 'debian') return debian(arch);
    const version = tag.split('-')[0] ?? '';
    if (image !== 'node') throw new Error(`there is no stand-in for the image ${name}`);
    return once(`node-${arch}`, (folder) => {
      execFileSync('cp', ['--archive', '--reflink=auto', debian(arch), folder]);
      addNode(root, folder, arch, version);
    });
  };
}

/** Not configured, which would run programs: that is enough to copy from it, and to run a shell in it. */
function unpackDebian(folder: string, arch: Arch): void {
  const args = ['--foreign', '--variant=minbase', `--arch=${arch}`, 'bookworm', folder];
  execFileSync('debootstrap', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  // Which packages there are, as dpkg writes it down where it configures them.
  const packages = globSync(join(folder, 'var/cache/apt/archives/*.deb')).sort();
  const fields = packages.map((file) => execFileSync('dpkg-deb', ['--field', file], { encoding: 'utf8' }));
  writeFileSync(join(folder, 'var/lib/dpkg/status'), fields.join('\n'));
  // In a container, /proc leads to itself.
  for (const rest of ['debootstrap', 'var/cache/apt/archives', 'proc']) rmSync(join(folder, rest), { recursive: true });
  mkdirSync(join(folder, 'proc'));
}

function addNode(root: string, folder: string, arch: Arch, version: string): void {
  const binaries = nodePackage(root, folder, arch);
  const { version: packed } = JSON.parse(readFileSync(join(binaries, 'package.json'), 'utf8')) as { version: string };
  if (packed !== version) throw new Error(`Dockerfile has Node ${version}, package-lock.json has ${packed}`);
  const bin = join(folder, 'usr/local/bin');
  mkdirSync(bin, { recursive: true });
  cpSync(join(binaries, 'bin/node'), join(bin, 'node'));
  cpSync(join(binaries, 'LICENSE'), join(folder, 'usr/local/LICENSE'));
  const npm = realpathSync(execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim());
  cpSync(resolve(npm, '../..'), join(folder, 'usr/local/lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'));
}

/** The folder of the package that has Node for that kind of processor, by the checksum of package-lock.json. */
function nodePackage(root: string, folder: string, arch: Arch): string {
  const name = `node-linux-${archs[arch].cpu}`;
  const installed = join(root, 'node_modules', name);
  if (existsSync(installed)) return installed;
  const place = `${folder}-runtime`;
  mkdirSync(join(place, 'tools'), { recursive: true });
  for (const file of ['package.json', 'package-lock.json', '.npmrc', 'tools/runtime']) {
    cpSync(join(root, file), join(place, file), { recursive: true });
  }
  const args = [
    'ci',
    '--ignore-scripts',
    '--workspace=tools/runtime',
    `--cpu=${archs[arch].cpu}`,
    '--os=linux',
    '--loglevel=error',
  ];
  execFileSync('npm', args, { cwd: place, stdio: ['ignore', 'ignore', 'inherit'] });
  return join(place, 'node_modules', name);
}
