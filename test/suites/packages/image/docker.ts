import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../../support/until.ts';
import { engineOf } from './command.ts';
import { canRun, type EngineKind } from './engine.ts';

/** Docker, with a daemon of its own. */
export const docker: EngineKind = {
  name: 'docker',
  isThere: () => client() !== undefined && canRun('dockerd', '--version'),
  async start(work) {
    mkdirSync(work);
    const socket = `unix://${join(work, 'socket')}`;
    const daemon = startDaemon(work, socket);
    const line = [client() ?? 'docker', '--host', socket] as const;
    await until(() => daemon.exitCode !== null || canRun(...line, 'version'), { what: 'dockerd to answer' });
    if (daemon.exitCode !== null) throw new Error(`dockerd has ended: ${readFileSync(join(work, 'log'), 'utf8')}`);
    const buildOptions = ['--network', 'host'];
    return {
      ...engineOf({ line, env: { DOCKER_BUILDKIT: '1' }, buildOptions, runOptions: [], work }),
      host: socket,
      async close() {
        const ended = once(daemon, 'exit');
        daemon.kill('SIGTERM');
        await ended;
        // It leaves the network of the machine mounted, which a container used.
        const mounts = readFileSync('/proc/mounts', 'utf8').matchAll(/^\S+ (\S+)/gm);
        for (const [, place = ''] of mounts) if (place.startsWith(work)) execFileSync('umount', [place]);
        rmSync(work, { recursive: true, force: true });
      },
    };
  },
};

/** A client with BuildKit: since 23, that is a plugin, which may be missing. */
function client(): string | undefined {
  return ['docker', '/usr/bin/docker'].find((name) => canRun('env', 'DOCKER_BUILDKIT=1', name, 'build', '--help'));
}

function startDaemon(work: string, socket: string): ChildProcess {
  const log = openSync(join(work, 'log'), 'w');
  const folders = ['--data-root', join(work, 'data'), '--exec-root', join(work, 'run'), '--pidfile', join(work, 'pid')];
  // Nothing of the machine's network is changed; a containerd that runs already is another Docker's too.
  const apart = ['--bridge=none', '--iptables=false', '--ip-forward=false'];
  const namespaces = ['--containerd-namespace=kazoo-relay', '--containerd-plugins-namespace=kazoo-relay-plugins'];
  const daemon = spawn('dockerd', ['--host', socket, ...folders, ...apart, ...namespaces], {
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return daemon;
}
