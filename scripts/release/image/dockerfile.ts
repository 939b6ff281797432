import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Arch, ownArch } from '../arch.ts';
import type { Bases } from './bases.ts';

/** An image: its files, and what an engine is told of it. */
export interface Image {
  readonly root: string;
  readonly config: ImageConfig;
}

/** As the specification of OCI images has it, with the health check that Docker adds. */
export interface ImageConfig {
  User?: string;
  WorkingDir?: string;
  StopSignal?: string;
  Env: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Labels: Record<string, string>;
  Volumes: Record<string, object>;
  ExposedPorts: Record<string, object>;
  Healthcheck?: { Test: string[]; [time: string]: unknown };
}

interface Stage extends Image {
  /** Where RUN and relative paths are. */
  place: string;
  readonly args: Map<string, string>;
}

interface Job {
  /** The folder that is built. */
  readonly context: string;
  readonly work: string;
  readonly bases: Bases;
  readonly arch: Arch;
  readonly args?: Readonly<Record<string, string>>;
}

/**
 * Takes the steps of the context's Dockerfile, in folders, without an engine: those instructions and options that this one
 * has. Its RUN steps are chrooted, with the network and npm's cache of this machine. It needs root.
 * @throws Error for an instruction that it doesn't know, and when a step fails
 */
export function buildDockerfile(job: Job): Image {
  const stages = new Map<string, Stage>();
  const given: Record<string, string> = {
    ...{ TARGETARCH: job.arch, TARGETPLATFORM: `linux/${job.arch}`, BUILDPLATFORM: `linux/${ownArch}` },
    ...job.args,
  };
  const global = new Map(Object.entries(given).filter(([name]) => name.endsWith('PLATFORM')));
  let stage: Stage | undefined;
  for (const { word, rest } of instructionsOf(readFileSync(join(job.context, 'Dockerfile'), 'utf8'))) {
    if (word === 'FROM') {
      stage = begin(expand(rest, global), job, stages);
    } else if (word === 'ARG') {
      const [name = '', value = ''] = rest.split('=');
      (stage?.args ?? global).set(name, given[name] ?? value);
    } else if (stage !== undefined) {
      take(stage, word, rest, job, (name) => stages.get(name)?.root);
    }
  }
  if (stage === undefined) throw new Error('the Dockerfile has no FROM');
  return stage;
}

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

function instructionsOf(text: string): Instruction[] {
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
      return { word, rest };
    });
}

function begin(text: string, { work, bases, arch }: Job, stages: Map<string, Stage>): Stage {
  const [, platform = `linux/${arch}`, base = '', name = 'image'] =
    /^(?:--platform=(\S+) )?(\S+)(?: AS (\S+))?$/.exec(text) ?? [];
  const root = join(work, `stage-${arch}-${name}`);
  const config = { Env: [usualPath], Labels: {}, Volumes: {}, ExposedPorts: {} };
  if (base === 'scratch') mkdirSync(root);
  else
    execFileSync('cp', [
      '--archive',
      '--reflink=auto',
      bases(base, platform === 'linux/arm64' ? 'arm64' : 'amd64'),
      root,
    ]);
  const stage = { root, config, place: '/', args: new Map() };
  stages.set(name, stage);
  return stage;
}

const usualPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function take(stage: Stage, word: string, rest: string, job: Job, rootOf: RootOf): void {
  const { config, root } = stage;
  switch (word) {
    case 'WORKDIR':
      stage.place = resolve(stage.place, rest);
      config.WorkingDir = stage.place;
      mkdirSync(join(root, stage.place), { recursive: true });
      break;
    case 'COPY':
      copy(stage, rest, job.context, rootOf);
      break;
    case 'RUN':
      runStep(stage, rest, rootOf);
      break;
    case 'LABEL':
      for (const [, name = '', value = ''] of rest.matchAll(/(\S+?)="([^"]*)"/g)) {
        config.Labels[name] = expand(value, stage.args);
      }
      break;
    case 'ENV':
      for (const pair of rest.split(' ')) {
        const [name = ''] = pair.split('=');
        config.Env = [...config.Env.filter((other) => !other.startsWith(`${name}=`)), pair];
      }
      break;
    case 'USER':
      config.User = rest;
      break;
    case 'VOLUME':
      config.Volumes[rest] = {};
      break;
    case 'EXPOSE':
      config.ExposedPorts[`${rest}/tcp`] = {};
      break;
    case 'STOPSIGNAL':
      config.StopSignal = rest;
      break;
    case 'HEALTHCHECK':
      config.Healthcheck = healthCheckOf(rest);
      break;
    case 'ENTRYPOINT':
      config.Entrypoint = JSON.parse(rest);
      break;
    case 'CMD':
      config.Cmd = JSON.parse(rest);
      break;
    default:
      throw new Error(`the Dockerfile has ${word}, which ${import.meta.filename} does not know: add it there`);
  }
}

type RootOf = (stage: string) => string | undefined;

function copy({ root, place }: Stage, text: string, context: string, rootOf: RootOf): void {
  const [, from, paths = ''] = /^(?:--from=(\S+) )?(.*)$/.exec(text) ?? [];
  const sources = paths.split(' ');
  const target = sources.pop() ?? '';
  const origin = from === undefined ? context : rootOf(from);
  if (origin === undefined) throw new Error(`COPY --from=${from}: there is no such stage`);
  if (from === undefined) for (const source of sources) refuseIgnored(source, context);
  const to = join(root, resolve(place, target));
  const isFolder = /(^|\/)\.?$/.test(target) || sources.length > 1;
  for (const source of sources.flatMap((one) => globSync(join(origin, one)))) {
    const isWhole = statSync(source).isDirectory();
    const path = isWhole || !isFolder ? to : join(to, basename(source));
    mkdirSync(isWhole ? path : dirname(path), { recursive: true });
    // What comes from this machine belongs to root.
    const how = from === undefined ? ['--recursive', '--preserve=mode,links'] : ['--archive'];
    execFileSync('cp', [...how, '--no-target-directory', isWhole ? `${source}/.` : source, path]);
  }
}

/** As .dockerignore has it here: everything, but the paths that it names with an exclamation mark. */
function refuseIgnored(source: string, context: string): void {
  const [all, ...kept] = readFileSync(join(context, '.dockerignore'), 'utf8').trim().split('\n');
  if (all === '*' && kept.includes(`!${source}`)) return;
  throw new Error(`COPY ${source}: .dockerignore leaves it out`);
}

const npmCache = '/var/cache/npm';

function runStep({ root, place, args, config }: Stage, text: string, rootOf: RootOf): void {
  const mounts: string[] = [];
  const command = text.replaceAll(/--mount=type=bind,from=(\w+),target=(\S+) /g, (_, from: string, target: string) => {
    const origin = rootOf(from) ?? '';
    mkdirSync(join(root, target), { recursive: true });
    mounts.push(`mount --bind '${origin}' "$root${target}"`);
    return '';
  });
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim();
  for (const folder of [npmCache, 'proc', 'dev']) mkdirSync(join(root, folder), { recursive: true });
  mkdirSync(cache, { recursive: true });
  cpSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
  const { NODE_EXTRA_CA_CERTS: authority } = process.env;
  if (authority !== undefined && existsSync(authority)) cpSync(authority, join(root, 'run/authority.pem'));
  const script = [
    ...['set -e', 'root=$1'],
    ...mounts,
    `mount --bind '${cache}' "$root${npmCache}"`,
    'mount --types proc proc "$root/proc"',
    'mount --rbind /dev "$root/dev"',
    'umask 022',
    'exec chroot "$root" /bin/sh -c "$2"',
  ].join('\n');
  const env = Object.fromEntries([...config.Env.map((pair) => pair.split('=')), ...args]);
  execFileSync('unshare', ['--mount', 'sh', '-c', script, 'step', root, `cd '${place}' && ${command}`], {
    env: { ...env, HOME: '/root', npm_config_cache: npmCache, NODE_EXTRA_CA_CERTS: '/run/authority.pem' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function healthCheckOf(text: string): NonNullable<ImageConfig['Healthcheck']> {
  const [, options = '', command = '[]'] = /^(.*?)CMD (.*)$/.exec(text) ?? [];
  const times = { interval: 'Interval', timeout: 'Timeout', 'start-period': 'StartPeriod' };
  const nanoseconds = Object.entries(times).flatMap(([option, name]) => {
    const [, seconds] = new RegExp(`--${option}=(\\d+)s`).exec(options) ?? [];
    return seconds === undefined ? [] : [[name, Number(seconds) * 1e9]];
  });
  return { Test: ['CMD', ...(JSON.parse(command) as string[])], ...Object.fromEntries(nanoseconds) };
}

function expand(text: string, args: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => args.get(name) ?? '');
}
