import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeArchive } from './image/archive.ts';
import { makeBases } from './image/bases.ts';
import { buildDockerfile } from './image/dockerfile.ts';
import type { Release } from './release.ts';

/** The image of the Dockerfile, for docker load, podman load and skopeo. */
export async function build({ version, epoch, out, root, work, arch }: Release): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/sbin/debootstrap')) {
    console.error('kazoo-relay: the image is left out: it needs root, and the package debootstrap');
    return;
  }
  const revision = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const bases = makeBases(root, join(work, 'bases'));
  const image = buildDockerfile({ context: root, work, bases, arch, args: { REVISION: revision } });
  const name = `kazoo-relay-${version}-image-${arch}.tar`;
  writeArchive(image, { name: `kazoo-relay:${version}`, arch, epoch, file: join(out, name), work });
}
