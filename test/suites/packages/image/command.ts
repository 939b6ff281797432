import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ImageConfig } from '../../../../scripts/release/image/dockerfile.ts';
import type { CommandLine, Engine, Runner } from './engine.ts';

interface Command {
  /** The program, with the options that come before any command of its. */
  readonly line: CommandLine;
  readonly env?: Readonly<Record<string, string>>;
  readonly buildOptions: readonly string[];
  readonly runOptions: readonly string[];
  /** Of what it stores. */
  readonly work: string;
}

/** An engine with the commands of Docker, which are Podman's too. */
export function engineOf(command: Command): Omit<Engine, 'close' | 'host'> {
  const run = runOf(command);
  return {
    build(context, base) {
      for (const name of basesOf(context)) importImage(command, name, base(name));
      run('build', ...command.buildOptions, '--tag', tag, context);
      return { root: exportRoot(command), config: configOf(run, tag) };
    },
    load(archive) {
      const [, name = ''] = /^Loaded image.*?: (\S+)$/m.exec(run('load', '--input', archive)) ?? [];
      return configOf(run, name);
    },
    runner: runnerOf(command),
  };
}

const tag = 'kazoo-relay';

/** The images that a Dockerfile begins with. */
export function basesOf(context: string): string[] {
  const text = readFileSync(join(context, 'Dockerfile'), 'utf8');
  return [...text.matchAll(/^ARG (NODE|DEBIAN)=(\S+)$/gm)].map(
    ([, kind, version]) => `${kind?.toLowerCase()}:${version}`,
  );
}

/** The registry of npm may be behind a certificate of this machine: it is put into the image. */
function importImage(command: Command, name: string, folder: string): void {
  const { work } = command;
  const { NODE_EXTRA_CA_CERTS: authority } = process.env;
  const more = authority !== undefined && existsSync(authority) ? ['--directory', work, certificate] : [];
  if (more.length > 0) {
    mkdirSync(dirname(join(work, certificate)), { recursive: true });
    copyFileSync(authority ?? '', join(work, certificate));
  }
  const variables = [usualPath, ...(more.length > 0 ? [`NODE_EXTRA_CA_CERTS=/${certificate}`] : [])];
  const options = variables.flatMap((variable) => ['--change', `ENV ${variable}`]);
  const archive = join(work, 'base.tar');
  execFileSync('tar', ['--create', '--file', archive, '--directory', folder, '.', ...more]);
  runOf(command)('import', ...options, archive, `docker.io/library/${name}`);
  rmSync(archive);
}

const certificate = 'usr/local/share/authority.pem';
const usualPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function exportRoot(command: Command): string {
  const [root, archive] = [join(command.work, 'root'), join(command.work, 'root.tar')];
  const run = runOf(command);
  const container = run('create', tag);
  run('export', '--output', archive, container);
  run('rm', container);
  mkdirSync(root);
  const as = ['--preserve-permissions', '--numeric-owner'];
  execFileSync('tar', ['--extract', ...as, '--file', archive, '--directory', root]);
  rmSync(archive);
  return root;
}

function configOf(run: Run, image: string): ImageConfig {
  // Podman has the health check beside it.
  const [{ Config, Healthcheck }] = JSON.parse(run('image', 'inspect', image));
  return Healthcheck === undefined ? Config : { ...Config, Healthcheck };
}

function runnerOf(command: Command): Runner {
  const run = runOf(command);
  return {
    line: ({ name, user, config, volume, variable, command: [program = '', ...args] }) => {
      const isOwn = program === 'kazoo-relay';
      const given = [
        ...['--name', name, '--rm', '--network', 'host', '--add-host', 'rabbitmq:127.0.0.1', '--env', variable],
        ...['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges:true'],
        ...['--volume', `${config}:/etc/kazoo-relay:ro`, '--volume', `${volume}:/var/lib/kazoo-relay`],
        ...['--volume', `${resolve('deploy/docker/secrets')}:/run/secrets:ro`],
        ...(user === undefined ? [] : ['--user', user]),
        ...(isOwn ? [] : ['--entrypoint', program]),
      ];
      return [...command.line, 'run', ...command.runOptions, ...given, tag, ...args];
    },
    inside: (container, words) => [...command.line, 'exec', container, ...words],
    pidOf: (container) => Number(run('inspect', '--format', '{{.State.Pid}}', container)),
    folderOf: (volume) => run('volume', 'inspect', '--format', '{{.Mountpoint}}', volume),
  };
}

type Run = (...args: string[]) => string;

function runOf({ line: [program, ...options], env }: Command): Run {
  return (...args) =>
    execFileSync(program, [...options, ...args], {
      ...{ encoding: 'utf8', maxBuffer: 1 << 26, stdio: 'pipe' },
      env: { ...process.env, ...env },
    }).trim();
}
