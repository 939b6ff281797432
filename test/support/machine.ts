import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './until.ts';

/** A Debian that systemd has booted, in a folder. It shares the network of this machine. */
export interface Machine {
  /** Its `/`, seen from here. */
  readonly root: string;
  /** Runs a line of shell in it, as root, and gives what it prints. @throws Error with all that it has printed, where it fails */
  sh(line: string): Promise<string>;
  close(): Promise<void>;
}

const run = promisify(execFile);

/**
 * Makes it with debootstrap, or from the folder that DEBIAN_ROOT names, and boots it. Only root can.
 * @param mounts folders of this machine that it can read, by their place in it
 */
export async function bootDebian(mounts: Readonly<Record<string, string>>): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-machine-'));
  const root = join(folder, 'root');
  const include = '--include=systemd,systemd-sysv,dbus,procps,rpm';
  if (process.env.DEBIAN_ROOT === undefined) {
    await run('debootstrap', ['--variant=minbase', include, 'bookworm', root], { maxBuffer: 1 << 26 });
  } else {
    execFileSync('cp', ['--archive', '--reflink=auto', process.env.DEBIAN_ROOT, root]);
  }
  writeFileSync(join(root, 'etc/machine-id'), '');
  const binds = Object.entries(mounts).map(([place, source]) => `--bind-ro=${source}:${place}`);
  const options = ['--boot', '--register=no', '--keep-unit', '--directory', root, '--machine', 'kazoo-relay-test'];
  const nspawn = spawn('systemd-nspawn', [...options, ...binds], { stdio: 'ignore' });
  // The first child is not yet the machine: it makes it.
  const sh = async (line: string) => (await runIn(firstChildOf(nspawn), line)).trim();
  const isBooted = async () => /running|degraded/.test(await sh('systemctl is-system-running || :'));
  try {
    await until(() => isBooted().catch(() => nspawn.exitCode !== null), { what: 'systemd to boot', timeout: 120_000 });
    if (nspawn.exitCode !== null) throw new Error(`systemd-nspawn ended with ${nspawn.exitCode}`);
  } catch (error) {
    nspawn.kill('SIGKILL');
    throw error;
  }
  return {
    root,
    sh,
    async close() {
      const ended = once(nspawn, 'exit');
      await sh('systemctl poweroff --force --force').catch(() => nspawn.kill('SIGKILL'));
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function firstChildOf({ pid }: ChildProcess): string {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] ?? '';
}

async function runIn(leader: string, line: string): Promise<string> {
  const clean = [
    '/usr/bin/env',
    '--ignore-environment',
    'HOME=/root',
    'LANG=C.UTF-8',
    'DEBIAN_FRONTEND=noninteractive',
  ];
  const shell = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'sh', '-euc', `exec 2>&1; ${line}`];
  const child = run('nsenter', ['--target', leader, '--all', '--', ...clean, ...shell], { maxBuffer: 1 << 26 });
  child.child.stdin?.end();
  try {
    return (await child).stdout;
  } catch (error) {
    const printed = typeof error === 'object' && error !== null && 'stdout' in error ? error.stdout : error;
    throw new Error(`${line}: ${printed}`, { cause: error });
  }
}
