import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Image, ImageConfig } from '../../../scripts/release/image/dockerfile.ts';

/**
 * Builds a Dockerfile with buildah, which needs no daemon.
 * @param base the folder that stands in for an image that the Dockerfile names, because none is pulled
 */
export function buildWithBuildah(context: string, work: string, base: (name: string) => string): Image {
  return inStore(work, (buildah) => {
    const dockerfile = readFileSync(join(context, 'Dockerfile'), 'utf8');
    for (const [, kind = '', tag = ''] of dockerfile.matchAll(/^ARG (NODE|DEBIAN)=(\S+)$/gm)) {
      const name = `${kind.toLowerCase()}:${tag}`;
      const container = buildah('from', 'scratch');
      buildah('add', '--quiet', container, base(name), '/');
      buildah('config', '--env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', container);
      giveAuthority(buildah, container);
      buildah('commit', '--quiet', '--rm', container, `docker.io/library/${name}`);
    }
    buildah('build', '--format', 'docker', '--isolation', 'chroot', '--pull-never', '--tag', 'kazoo-relay', context);
    const root = join(work, 'root');
    execFileSync('cp', ['--archive', buildah('mount', buildah('from', '--pull-never', 'localhost/kazoo-relay')), root]);
    return { root, config: configOf(buildah, 'localhost/kazoo-relay') };
  });
}

/** Loads an image from an archive, and says how that would be run. */
export function loadWithBuildah(archive: string, work: string): ImageConfig {
  return inStore(work, (buildah) => configOf(buildah, buildah('pull', '--quiet', `docker-archive:${archive}`)));
}

type Buildah = (...args: string[]) => string;

/** With a store of its own for images, which goes with what is done. */
function inStore<T>(work: string, act: (buildah: Buildah) => T): T {
  // Whatever --root says, buildah keeps a cache there.
  const cache = '/var/lib/containers';
  const isOurs = !existsSync(cache);
  const [images, run] = [join(work, 'images'), join(work, 'run')];
  const store = ['--root', images, '--runroot', run, '--storage-driver', 'vfs'];
  mkdirSync(work);
  const buildah: Buildah = (...args) =>
    execFileSync('buildah', [...store, ...args], { encoding: 'utf8', maxBuffer: 1 << 26, stdio: 'pipe' }).trim();
  try {
    return act(buildah);
  } finally {
    buildah('umount', '--all');
    for (const folder of [images, run, ...(isOurs ? [cache] : [])]) rmSync(folder, { recursive: true, force: true });
  }
}

/** The registry of npm may be behind a certificate of this machine. */
function giveAuthority(buildah: Buildah, container: string): void {
  const { NODE_EXTRA_CA_CERTS: file } = process.env;
  if (file === undefined) return;
  buildah('copy', '--quiet', container, file, '/usr/local/share/authority.pem');
  buildah('config', '--env', 'NODE_EXTRA_CA_CERTS=/usr/local/share/authority.pem', container);
}

function configOf(buildah: Buildah, image: string): ImageConfig {
  const { Docker } = JSON.parse(buildah('inspect', '--type', 'image', image)) as { Docker: { config: ImageConfig } };
  return Docker.config;
}
