import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { settle } from './files.ts';
import { maintainerOf } from './maintainer.ts';
import type { Release } from './release.ts';
import { documents, filledIn, layOut, script } from './system-files.ts';

/** The package for Debian and Ubuntu, by dpkg-deb. */
export async function build(release: Release): Promise<void> {
  const { version, epoch, out, root, work, arch, compress = true } = release;
  const folder = join(work, 'deb');
  await layOut(release, folder, 'usr/share/zsh/vendor-completions');
  document(release, folder);
  settle(join(folder, documents), epoch);

  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  // dpkg counts in blocks of 1 KiB.
  const size = paths.reduce((sum, path) => sum + Math.ceil(lstatSync(path).size / 1024), 0);
  const control = join(folder, 'DEBIAN');
  mkdirSync(control);
  const values = {
    VERSION: packagedVersion(version),
    ARCHITECTURE: arch,
    SIZE: String(size),
    MAINTAINER: maintainerOf(root),
  };
  const template = readFileSync(join(root, 'deploy/packages/deb/control'), 'utf8');
  writeFileSync(join(control, 'control'), filledIn(template, values));
  writeFileSync(join(control, 'conffiles'), '/etc/kazoo-relay/kazoo-relay.yaml\n');
  writeFileSync(join(control, 'md5sums'), paths.map((path) => checksum(folder, path)).join(''));
  for (const name of ['postinst', 'prerm', 'postrm']) {
    writeFileSync(join(control, name), `#!/bin/sh\nset -e\n${script(root, `deb/${name}`)}`);
    chmodSync(join(control, name), 0o755);
  }
  settle(control, epoch);
  const file = join(out, `kazoo-relay_${values.VERSION}-1_${arch}.deb`);
  // Quick to make, and four fifths of what gzip makes.
  const packing = compress ? ['-Zxz', '-z1', '--threads-max=2'] : ['-Zgzip', '-z1'];
  execFileSync('dpkg-deb', ['--root-owner-group', ...packing, '--build', folder, file], { stdio: ['ignore', 2, 2] });
}

/** A version before the release sorts before it. */
export function packagedVersion(version: string): string {
  return version.replace('-', '~');
}

/** What Debian wants to find in a package's folder of documents. */
function document({ version, epoch, root }: Release, folder: string): void {
  const to = join(folder, documents);
  writeFileSync(join(to, 'changelog.gz'), gzipSync(readFileSync(join(to, 'CHANGELOG.md')), { level: 9 }));
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  const entry = `kazoo-relay (${packagedVersion(version)}-1) stable; urgency=medium\n\n  * See changelog.gz.\n\n`;
  writeFileSync(
    join(to, 'changelog.Debian.gz'),
    gzipSync(`${entry} -- ${maintainerOf(root)}  ${date}\n`, { level: 9 }),
  );
  const license = readFileSync(join(root, 'LICENSE'), 'utf8')
    .replaceAll('\n\n', '\n.\n')
    .trimEnd()
    .replaceAll('\n', '\n ');
  writeFileSync(
    join(to, 'copyright'),
    `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: kazoo-relay
Comment: The licences of Node.js and of the libraries are in
 /usr/lib/kazoo-relay/THIRD-PARTY-LICENSES.txt.

Files: *
Copyright: 2026 kazoo-relay contributors
License: Expat

License: Expat
 ${license}
`,
  );
  const overrides = join(folder, 'usr/share/lintian/overrides');
  mkdirSync(overrides, { recursive: true });
  writeFileSync(join(overrides, 'kazoo-relay'), readFileSync(join(root, 'deploy/packages/deb/lintian-overrides')));
  settle(join(folder, 'usr/share'), epoch);
}

function checksum(folder: string, path: string): string {
  const sum = createHash('md5').update(readFileSync(path)).digest('hex');
  return `${sum}  ${path.slice(folder.length + 1)}\n`;
}
