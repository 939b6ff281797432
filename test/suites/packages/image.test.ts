// needs: debootstrap
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { freePort } from '../../../scripts/quickstart/free-port.ts';
import { writeArchive } from '../../../scripts/release/image/archive.ts';
import { makeBases, ownArch } from '../../../scripts/release/image/bases.ts';
import { buildDockerfile, type Image } from '../../../scripts/release/image/dockerfile.ts';
import { events } from '../../../src/kazoo/catalogue.ts';
import { type SharedBroker, shareBroker } from '../../support/rabbitmq.ts';
import { until } from '../../support/until.ts';
import { buildWithBuildah, loadWithBuildah } from './buildah.ts';

const canBuild = process.getuid?.() === 0 && existsSync('/usr/sbin/debootstrap');
const hasBuildah = spawnSync('buildah', ['--version']).status === 0;
const by = hasBuildah
  ? 'buildah, and by the Dockerfile’s steps in folders'
  : 'the Dockerfile’s steps in folders, without an engine';
const title = canBuild ? `the image, built by ${by}` : 'LEFT OUT, without root and debootstrap: the image';

(canBuild ? describe : describe.skip)(title, () => {
  let work: string;
  let image: Image;
  let byEngine: Image | undefined;

  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'kazoo-relay-image-'));
    const context = join(work, 'checkout');
    // As somebody has it who cloned under the umask 077.
    const clone = 'git ls-files -z -co --exclude-standard | xargs -0 cp --parents -t "$0" && chmod -R go= "$0"';
    mkdirSync(context);
    execFileSync('sh', ['-c', clone, context], { stdio: ['ignore', 'ignore', 'inherit'] });
    const bases = makeBases(process.cwd(), join(work, 'bases'));
    image = buildDockerfile({ context, work, bases, arch: ownArch });
    if (hasBuildah) byEngine = buildWithBuildah(context, join(work, 'buildah'), (name) => bases(name, ownArch));
  }, 1_200_000);

  afterAll(() => rmSync(work, { recursive: true, force: true }));

  (hasBuildah ? test : test.skip)(
    'is the same by an engine and by its steps: files, owners, modes and configuration',
    () => {
      expect(listOf(byEngine?.root ?? '')).toEqual(listOf(image.root));
      expect(byEngine?.config).toMatchObject({ ...image.config, Env: expect.arrayContaining(image.config.Env) });
    },
  );

  (hasBuildah ? test : test.skip)(
    'is an archive in a release that an engine loads, the same whenever it is made',
    () => {
      // Of other times.
      const copy = join(work, 'copy');
      execFileSync('cp', ['--recursive', '--preserve=mode,ownership,links', image.root, copy]);
      const files = [image.root, copy].map((root, index) => {
        const file = join(work, `${index}.tar`);
        const made = { root, config: image.config };
        writeArchive(made, { name: 'kazoo-relay:test', arch: ownArch, epoch: 1_790_000_000, file, work });
        return file;
      });
      const [digest, ...others] = files.map((file) => createHash('sha256').update(readFileSync(file)).digest('hex'));
      expect(others).toEqual([digest]);
      expect(loadWithBuildah(files[0] ?? '', join(work, 'loaded'))).toMatchObject(image.config);
    },
  );

  test('holds Node, its libraries and the program: no shell, no package manager, nothing that runs as another user', () => {
    const files = filesIn(image.root);
    expect(files.filter((file) => (lstatSync(join(image.root, file)).mode & 0o6000) !== 0)).toEqual([]);
    const binaries = files.filter((file) => /^(\x7fELF|#!)/.test(startOf(join(image.root, file))));
    const program = binaries.filter((file) => !/^lib\/(ld-linux-|lib)[\w+-]+\.so\.\d$/.test(file));
    expect(program.filter((file) => !file.startsWith('opt/kazoo-relay/node_modules/'))).toEqual([
      'opt/kazoo-relay/dist/main.js',
      'usr/local/bin/node',
    ]);
    // Scripts of packages, which need an interpreter that isn't there, and the one library that is native.
    expect(program.filter((file) => startOf(join(image.root, file)) === '\x7fELF')).toEqual([
      `opt/kazoo-relay/node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`,
      'usr/local/bin/node',
    ]);
    for (const name of [
      'etc/ssl/certs/ca-certificates.crt',
      'usr/share/zoneinfo/Europe/Berlin',
      'usr/share/doc/libc6/copyright',
      'opt/kazoo-relay/sbom.cdx.json',
      'opt/kazoo-relay/THIRD-PARTY-LICENSES.txt',
    ]) {
      expect(files).toContain(name);
    }
    const bytes = files.reduce((sum, file) => sum + lstatSync(join(image.root, file)).size, 0);
    expect(bytes).toBeLessThan(180e6);
  });

  test('may be read by everybody, whatever the checkout’s umask was, and written only where it is a volume', () => {
    const paths = pathsIn(image.root);
    const mode = (path: string) => lstatSync(join(image.root, path));
    const closed = paths.filter((path) => !mode(path).isSymbolicLink() && (mode(path).mode & 0o004) === 0);
    expect(closed).toEqual(['var/lib/kazoo-relay']);
    expect(paths.filter((path) => !mode(path).isSymbolicLink() && (mode(path).mode & 0o002) !== 0)).toEqual(['tmp']);
    expect(mode('var/lib/kazoo-relay')).toMatchObject({ uid: 10001, gid: 0, mode: 0o40770 });
  });

  test('says by its labels what it is, and how an engine runs it', () => {
    const { version, description, license } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      string,
      string
    >;
    expect(image.config).toMatchObject({
      Labels: {
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.description': description,
        'org.opencontainers.image.licenses': license,
      },
      ...{ User: '10001:10001', WorkingDir: '/var/lib/kazoo-relay', Volumes: { '/var/lib/kazoo-relay': {} } },
      ...{ Entrypoint: ['kazoo-relay'], Cmd: ['run'], StopSignal: 'SIGTERM' },
    });
  });

  test.each(['10001:10001', '54321:0'])('lets the user %s check a configuration and write a new volume', (user) => {
    const folder = join(work, `as-${user}`);
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'kazoo-relay.yaml'),
      'brokers: [{ zone: a, url: amqp://h }]\nroutes: { all: { sink: { type: log } } }\n',
    );
    const check = oneOff(image, user, folder, join(work, `volume-${user}`), ['kazoo-relay', 'check']);
    expect(check).toMatchObject({ status: 0, stderr: '' });
    const write = ['node', '-e', 'require("fs").writeFileSync("new", String(new Date(0)))'];
    expect(oneOff(image, user, folder, join(work, `volume-${user}`), write)).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(work, `volume-${user}`, 'new'), 'utf8')).toContain('GMT+0100');
  });

  test('tells by numbers who may not write a journal, and doesn’t speak of sudo', () => {
    const folder = join(work, 'as-10001:10001');
    const elsewhere = 'KAZOO_RELAY_JOURNAL_PATH=/opt/journal';
    const volume = join(work, 'closed');
    const { status, stderr } = oneOff(image, '10001:10001', folder, volume, ['kazoo-relay', 'run'], elsewhere);
    expect(status).not.toBe(0);
    expect(stderr).toContain('owned by 0:0 with mode 0755, this is 10001:10001');
    expect(stderr).not.toContain('sudo');
  });

  describe('as Compose runs it: its own user without rights, nothing writable but the volume and /tmp', () => {
    const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
      services: Record<string, { command?: string[]; healthcheck?: { test: string[] } }>;
    };
    const commandOf = (name: string) => ['kazoo-relay', ...(services[name]?.command ?? [])];
    let broker: SharedBroker;
    let config: string;
    let container: Container;
    let port: number;
    const start = (name: string) =>
      startContainer(
        image,
        commandOf('kazoo-relay'),
        config,
        join(work, 'volume'),
        join(work, name),
        `KAZOO_RELAY_HTTP_LISTEN=127.0.0.1:${port}`,
      );

    beforeAll(async () => {
      broker = await shareBroker();
      config = join(work, 'config');
      cpSync('deploy/docker/config', config, { recursive: true });
      const file = join(config, 'kazoo-relay.yaml');
      const { pathname } = new URL(broker.url);
      const text = readFileSync(file, 'utf8').replace('@rabbitmq:5672', `@rabbitmq:${broker.port}${pathname}`);
      writeFileSync(file, text);
      port = await freePort();
      container = await start('first');
    });

    afterAll(async () => {
      await container?.end('SIGKILL');
      await broker?.close();
    });

    test('has no right, and the health check of the image is content', async () => {
      const status = readFileSync(`/proc/${container.pid}/status`, 'utf8');
      expect(status).toMatch(/^Uid:\t10001\t10001/m);
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(/^NSpid:\t\d+\t1$/m);
      const [, ...check] = image.config.Healthcheck?.Test ?? [];
      expect(await container.run(check)).toEqual({ stdout: '', stderr: '' });
      const write = (path: string) => container.run(['node', '-e', `require('fs').writeFileSync('${path}', '')`]);
      await expect(write('/usr/new')).rejects.toThrow('EROFS');
      await write('/tmp/new');
    });

    test('writes a link to its log that leads to the page, where the image says that its port is', async () => {
      const [link = ''] = /http:\/\/127\.0\.0\.1:\d+\/login\?link=[\w-]+/.exec(container.log()) ?? [];
      expect(new URL(link).port).toBe(String(port));
      expect((await fetch(link)).status).toBe(200);
      expect(image.config.ExposedPorts).toEqual({ '9400/tcp': {} });
    });

    test('publishes and shows one of each event with the commands of the demo, and delivers none again after a restart', async () => {
      const published = await container.run(commandOf('demo-publish'));
      expect(published.stdout).toContain(`published ${events.length} notifications to rabbitmq`);
      await until(() => container.lines().length === events.length, { what: 'each event on stdout' });
      const archive = () => readFileSync(join(work, 'volume/archive/notifications.ndjson'), 'utf8').trim().split('\n');
      await until(() => archive().length === events.length, { what: 'each event in the file' });
      const shown = await container.run(commandOf('demo').filter((word) => word !== '--follow'));
      expect(shown.stdout.match(/ valid *$/gm)).toHaveLength(events.length);

      expect(await container.end('SIGTERM')).toBe(0);
      container = await start('second');
      await container.run(['kazoo-relay', 'publish', 'low_balance', '--live', '--wait', '1m']);
      await until(() => container.lines().length > 0, { what: 'the one after the restart' });
      expect(container.lines()).toHaveLength(1);
    });
  });
});

interface Container {
  /** Of the daemon, as this machine has it. */
  readonly pid: number;
  /** What it has written to stderr. */
  log(): string;
  /** What it has delivered to stdout. */
  lines(): string[];
  /** Runs a command in it, as `docker exec` does. @throws Error with its stderr where it fails */
  run(command: readonly string[]): Promise<{ stdout: string; stderr: string }>;
  /** @returns its exit code; null where there is none */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

async function startContainer(
  image: Image,
  command: readonly string[],
  config: string,
  volume: string,
  out: string,
  variable: string,
): Promise<Container> {
  const [stdout, stderr] = ['stdout', 'stderr'].map((name) => openSync(`${out}.${name}`, 'w'));
  const [program, ...args] = contained(image, userOf(image), config, volume, command, variable);
  const outside = spawn(program, args, { stdio: ['ignore', stdout ?? 'ignore', stderr ?? 'ignore'] });
  const log = () => readFileSync(`${out}.stderr`, 'utf8');
  await until(() => log().includes('"consuming"') || outside.exitCode !== null, {
    what: 'the daemon to consume',
    timeout: 120_000,
  });
  if (outside.exitCode !== null) throw new Error(`the container has ended: ${log()}`);
  const [pid = 0] = childrenOf(outside.pid ?? 0);
  return {
    pid,
    log,
    lines: () =>
      readFileSync(`${out}.stdout`, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    run([name = '', ...rest]) {
      const [user = '', group = ''] = userOf(image).split(':');
      const into = ['--target', `${pid}`, '--mount', '--pid', '--root', '--wd', '--setuid', user, '--setgid', group];
      const path = `/usr/local/bin/${name}`;
      return promisify(execFile)('env', ['-i', ...image.config.Env, '/usr/bin/nsenter', ...into, path, ...rest]);
    },
    async end(signal) {
      if (hasEnded(outside)) return outside.exitCode;
      const ended = once(outside, 'exit');
      process.kill(pid, signal);
      await ended;
      return outside.exitCode;
    },
  };
}

function oneOff(
  image: Image,
  user: string,
  config: string,
  volume: string,
  command: readonly string[],
  variable = 'TZ=Europe/Berlin',
) {
  const [program, ...args] = contained(image, user, config, volume, command, variable);
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, stderr };
}

/** A command in the image, as an engine runs it: process 1, read-only, without rights. */
function contained(
  { root, config: { Env, WorkingDir = '/' } }: Image,
  user: string,
  config: string,
  volume: string,
  [program = '', ...args]: readonly string[],
  variable = 'TZ=UTC',
): [string, ...string[]] {
  // An engine gives a new volume what the image has at its place, with its owner.
  if (!existsSync(volume)) execFileSync('cp', ['--archive', join(root, WorkingDir), volume]);
  const [uid = '', gid = ''] = user.split(':');
  const limits = [
    '--no-new-privs',
    '--inh-caps=-all',
    '--bounding-set=-all,+sys_chroot,+setuid,+setgid',
    '--clear-groups',
  ];
  const into = ['unshare', `--root=${root}`, `--wd=${WorkingDir}`, '--setgid', gid, '--setuid', uid];
  const run = ['setpriv', ...limits, 'env', '-i', ...Env, variable, `/usr/bin/${into[0]}`, ...into.slice(1)];
  const given = [root, volume, config, WorkingDir, ...run, `/usr/local/bin/${program}`, ...args];
  return ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-euc', mounts, 'contained', ...given];
}

/** As docker-compose.yml has them. /etc/hosts is the engine's. */
const mounts = `
  root=$1 volume=$2 config=$3 place=$4
  shift 4
  mount --bind "$root" "$root"
  mount --bind "$volume" "$root$place"
  mount --bind "$config" "$root/etc/kazoo-relay"
  mount --types tmpfs tmpfs "$root/tmp"
  for folder in proc dev run; do mkdir -p "$root/$folder"; done
  mount --types proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --types tmpfs tmpfs "$root/run"
  mkdir "$root/run/secrets"
  cp deploy/docker/secrets/* "$root/run/secrets"
  [ -e "$root/etc/hosts" ] || touch "$root/etc/hosts"
  echo '127.0.0.1 localhost rabbitmq' > "$root/run/hosts"
  mount --bind "$root/run/hosts" "$root/etc/hosts"
  mount --options remount,bind,ro "$root"
  exec "$@"`;

function userOf({ config }: Image): string {
  return config.User ?? '';
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Where engines mount something of their own, while it runs or is built. */
const mountPoints = /^(proc|dev|run|sys)(\/|$)|^etc\/(hosts|hostname|resolv\.conf)$/;

/** All that a folder holds, one a line. */
function listOf(root: string): string[] {
  const paths = pathsIn(root).filter((path) => !mountPoints.test(path));
  return paths.map((path) => {
    const stats = lstatSync(join(root, path));
    return [path, stats.mode.toString(8), stats.uid, stats.gid, contentOf(join(root, path))].join(' ');
  });
}

function contentOf(path: string): string {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return readlinkSync(path);
  return stats.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
}

function filesIn(root: string): string[] {
  return pathsIn(root).filter((path) => lstatSync(join(root, path)).isFile());
}

/** Through no symbolic link. */
function pathsIn(root: string): string[] {
  const found = execFileSync('find', [root, '-mindepth', '1', '-printf', '%P\\n'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return found.trim().split('\n').sort();
}

function startOf(file: string): string {
  const descriptor = openSync(file, 'r');
  const bytes = Buffer.alloc(4);
  const read = readSync(descriptor, bytes);
  closeSync(descriptor);
  return bytes.subarray(0, read).toString('latin1');
}
