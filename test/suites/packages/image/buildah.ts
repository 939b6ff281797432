import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageConfig } from '../../../../scripts/release/image/dockerfile.ts';
import { basesOf } from './command.ts';
import { canRun, type EngineKind } from './engine.ts';

/** Buildah, which needs no daemon, and runs nothing but the steps of a build. */
export const buildah: EngineKind = {
  name: 'buildah',
  isThere: () => canRun('buildah', '--version'),
  async start(work) {
    // Whatever --root says, buildah keeps a cache there.
    const cache = '/var/lib/containers';
    const isOurs = !existsSync(cache);
    mkdirSync(work);
    const store = ['--root', join(work, 'images'), '--runroot', join(work, 'run'), '--storage-driver', 'vfs'];
    const run: Run = (...args) =>
      execFileSync('buildah', [...store, ...args], { encoding: 'utf8', maxBuffer: 1 << 26, stdio: 'pipe' }).trim();
    return {
      build(context, base) {
        for (const name of basesOf(context)) storeBase(run, name, base(name));
        run('build', '--format', 'docker', '--isolation', 'chroot', '--pull-never', '--tag', 'kazoo-relay', context);
        const root = join(work, 'root');
        execFileSync('cp', ['--archive', run('mount', run('from', '--pull-never', 'localhost/kazoo-relay')), root]);
        return { root, config: configOf(run, 'localhost/kazoo-relay') };
      },
      load: (archive) => configOf(run, run('pull', '--quiet', `docker-archive:${archive}`)),
      async close() {
        run('umount', '--all');
        for (const folder of [work, ...(isOurs ? [cache] : [])]) rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};

type Run = (...args: string[]) => string;

function storeBase(run: Run, name: string, folder: string): void {
  const container = run('from', 'scratch');
  run('add', '--quiet', container, folder, '/');
  run('config', '--env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', container);
  giveAuthority(run, container);
  run('commit', '--quiet', '--rm', container, `docker.io/library/${name}`);
}

/** The registry of npm may be behind a certificate of this machine. */
function giveAuthority(run: Run, container: string): void {
  const { NODE_EXTRA_CA_CERTS: file } = process.env;
  if (file === undefined) return;
  run('copy', '--quiet', container, file, '/usr/local/share/authority.pem');
  run('config', '--env', 'NODE_EXTRA_CA_CERTS=/usr/local/share/authority.pem', container);
}

function configOf(run: Run, image: string): ImageConfig {
  const { Docker } = JSON.parse(run('inspect', '--type', 'image', image)) as { Docker: { config: ImageConfig } };
  return Docker.config;
}
