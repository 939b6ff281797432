import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { engineOf } from './command.ts';
import { type CommandLine, canRun, type EngineKind } from './engine.ts';

/** Podman, which needs no daemon. */
export const podman: EngineKind = {
  name: 'podman',
  isThere: () => canRun('podman', '--version'),
  async start(work) {
    mkdirSync(work);
    const folders = ['--root', join(work, 'images'), '--runroot', join(work, 'run'), '--storage-driver', 'vfs'];
    // crun refuses the control groups of some kernels that runc takes.
    const runtime = canRun('runc', '--version') ? ['--runtime', 'runc'] : [];
    const line: CommandLine = ['podman', ...folders, '--cgroup-manager', 'cgroupfs', ...runtime];
    const buildOptions = ['--format', 'docker', '--isolation', 'chroot', '--pull-never', '--layers=false'];
    // Its own are more than root may give where it hasn't all rights; health checks need systemd.
    const runOptions = ['--ulimit', 'nofile=4096:4096', '--ulimit', 'nproc=4096:4096', '--no-healthcheck'];
    return {
      ...engineOf({ line, buildOptions, runOptions, work }),
      async close() {
        execFileSync('podman', [...line.slice(1), 'rm', '--all', '--force'], { stdio: 'ignore' });
        rmSync(work, { recursive: true, force: true });
      },
    };
  },
};
