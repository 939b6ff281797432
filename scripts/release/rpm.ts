import { execFileSync } from 'node:child_process';
import { copyFileSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { archs } from './arch.ts';
import { packagedVersion } from './deb.ts';
import { maintainerOf } from './maintainer.ts';
import type { Release } from './release.ts';
import { filledIn, layOut, script } from './system-files.ts';

/** The package for Rocky Linux, RHEL and Alma 8 and 9, by rpmbuild. */
export async function build(release: Release): Promise<void> {
  const { version, epoch, out, root, work, arch, compress = true } = release;
  const folder = join(work, 'rpm');
  const files = join(folder, 'files');
  await layOut(release, files, 'usr/share/zsh/site-functions');
  const spec = join(folder, 'kazoo-relay.spec');
  const template = readFileSync(join(root, 'deploy/packages/rpm/kazoo-relay.spec'), 'utf8');
  const date = new Date(epoch * 1000).toDateString();
  const scripts = script(root).replaceAll('%', '%%');
  writeFileSync(
    spec,
    filledIn(template, {
      VERSION: packagedVersion(version),
      FILES: files,
      SCRIPTS: scripts,
      DATE: date,
      MAINTAINER: maintainerOf(root),
    }),
  );
  // Rocky Linux 8 reads it; quick to make. Two threads, however many there are: their number is in the result.
  const _binary_payload = compress ? 'w1T2.xzdio' : 'w.ufdio';
  const macros = Object.entries({ ...settings, _topdir: folder, _binary_payload }).flatMap(([name, value]) => [
    '--define',
    `${name} ${value}`,
  ]);
  execFileSync('rpmbuild', [...macros, '--target', archs[arch].machine, '-bb', '--quiet', spec], {
    stdio: ['ignore', 'ignore', 2],
  });
  for (const file of globSync(join(folder, 'RPMS/*/*.rpm'))) copyFileSync(file, join(out, basename(file)));
}

const settings = {
  // Nothing of the machine that it is made on.
  _buildhost: 'localhost',
  use_source_date_epoch_as_buildtime: '1',
  clamp_mtime_to_source_date_epoch: '1',
  source_date_epoch_from_changelog: '0',
  // The files are what the release tested: not stripped, not compiled, not linked elsewhere.
  __os_install_post: '%{nil}',
  debug_package: '%{nil}',
  _build_id_links: 'none',
};
