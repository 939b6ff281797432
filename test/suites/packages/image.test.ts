// needs: debootstrap, postgresql
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { freePort } from '../../../scripts/quickstart/free-port.ts';
import { ownArch } from '../../../scripts/release/arch.ts';
import { writeArchive } from '../../../scripts/release/image/archive.ts';
import { makeBases } from '../../../scripts/release/image/bases.ts';
import { buildDockerfile, type Image } from '../../../scripts/release/image/dockerfile.ts';
import { events } from '../../../src/kazoo/catalogue.ts';
import { type SharedBroker, shareBroker } from '../../support/rabbitmq.ts';
import { until } from '../../support/until.ts';
import { runBare } from './image/bare.ts';
import { basesOf } from './image/command.ts';
import { hasCompose, shellWithCompose } from './image/compose.ts';
import type { Engine, Runner } from './image/engine.ts';
import { chosenEngine } from './image/engines.ts';
import { filesIn, listOf, pathsIn, startOf } from './image/files.ts';
import { oneOff, type Running, startContainer } from './image/running.ts';

const canBuild = process.getuid?.() === 0 && existsSync('/usr/sbin/debootstrap');
const kind = chosenEngine();
const by =
  kind === undefined
    ? 'the Dockerfile’s steps in folders, without an engine'
    : `${kind.name}, and by its steps in folders`;
const title = canBuild ? `the image, built by ${by}` : 'LEFT OUT, without root and debootstrap: the image';
const testOfEngine = kind === undefined ? test.skip : test;

(canBuild ? describe : describe.skip)(title, () => {
  let work: string;
  let image: Image;
  let engine: Engine | undefined;
  let byEngine: Image | undefined;
  let runner: Runner;

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'kazoo-relay-image-'));
    const context = join(work, 'checkout');
    // As somebody has it who cloned under the umask 077.
    const clone = 'git ls-files -z -co --exclude-standard | xargs -0 cp --parents -t "$0" && chmod -R go= "$0"';
    mkdirSync(context);
    execFileSync('sh', ['-c', clone, context], { stdio: ['ignore', 'ignore', 'inherit'] });
    const bases = makeBases(process.cwd(), join(work, 'bases'));
    image = buildDockerfile({ context, work, bases, arch: ownArch });
    engine = await kind?.start(join(work, 'engine'));
    byEngine = engine?.build(context, (name) => bases(name, ownArch));
    runner = engine?.runner ?? runBare(image, work);
  }, 1_200_000);

  afterAll(async () => {
    await engine?.close();
    rmSync(work, { recursive: true, force: true });
  });

  testOfEngine('is the same by an engine and by its steps: files, owners, modes and configuration', () => {
    expect(listOf(byEngine?.root ?? '')).toEqual(listOf(image.root));
    expect(byEngine?.config).toMatchObject({ ...image.config, Env: expect.arrayContaining(image.config.Env) });
  });

  testOfEngine('is an archive in a release that an engine loads, the same whenever it is made', () => {
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
    expect(engine?.load(files[0] ?? '')).toMatchObject(image.config);
  });

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
      'usr/share/common-licenses/LGPL-2.1',
      'opt/kazoo-relay/sbom.cdx.json',
      'opt/kazoo-relay/THIRD-PARTY-LICENSES.txt',
    ]) {
      expect(files).toContain(name);
    }
    const bytes = files.reduce((sum, file) => sum + lstatSync(join(image.root, file)).size, 0);
    expect(bytes).toBeLessThan(150e6);
  });

  test('may be read by everybody, whatever the checkout’s umask was, and written only where it is a volume', () => {
    const paths = pathsIn(image.root);
    const mode = (path: string) => lstatSync(join(image.root, path));
    const closed = paths.filter((path) => !mode(path).isSymbolicLink() && (mode(path).mode & 0o004) === 0);
    expect(closed).toEqual(['var/lib/kazoo-relay']);
    expect(paths.filter((path) => !mode(path).isSymbolicLink() && (mode(path).mode & 0o002) !== 0)).toEqual(['tmp']);
    expect(mode('var/lib/kazoo-relay')).toMatchObject({ uid: 10001, gid: 0, mode: 0o40770 });
  });

  test('lists in its SBOM what it holds of Debian, by version and licence, and its licences have their texts', () => {
    const program = join(image.root, 'opt/kazoo-relay');
    const { components } = JSON.parse(readFileSync(join(program, 'sbom.cdx.json'), 'utf8')) as {
      components: { name: string; version: string; purl: string; licenses: object[] }[];
    };
    const texts = readFileSync(join(program, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    const packages = readdirSync(join(image.root, 'usr/share/doc'));
    const listed = components.filter(({ purl }) => purl.startsWith('pkg:deb/debian/'));
    expect(listed.map(({ name }) => name).toSorted()).toEqual(packages.toSorted());
    for (const { name, version, licenses } of listed) {
      expect(version).toMatch(/^\d[\w.+~-]+$/);
      expect(licenses).toHaveLength(1);
      expect(texts).toContain(`\n${name} ${version}, of Debian\n\n`);
    }
    // Which is the library that it has.
    const [glibc = ''] = listed.flatMap(({ name, version }) => (name === 'libc6' ? [version.split('-')[0]] : []));
    expect(readFileSync(join(image.root, 'lib/libc.so.6'), 'latin1')).toContain(`stable release version ${glibc}.`);
  });

  test('says by its labels what it is, and how an engine runs it', () => {
    const { version, description, license, author } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      string,
      string
    >;
    expect(image.config).toMatchObject({
      Labels: {
        'org.opencontainers.image.version': version,
        'org.opencontainers.image.description': description,
        'org.opencontainers.image.licenses': license,
        'org.opencontainers.image.authors': author,
      },
      ...{ User: '10001:10001', WorkingDir: '/var/lib/kazoo-relay', Volumes: { '/var/lib/kazoo-relay': {} } },
      ...{ Entrypoint: ['kazoo-relay'], Cmd: ['run'], StopSignal: 'SIGTERM' },
    });
  });

  test.each(['10001:10001', '54321:0'])('lets the user %s check a configuration and write a new volume', (user) => {
    const volume = `as-${user.replace(':', '-')}`;
    const folder = join(work, volume);
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'kazoo-relay.yaml'),
      'brokers: [{ zone: a, url: amqp://h }]\nroutes: { all: { sink: { type: log } } }\n',
    );
    const run = (command: string[]) =>
      oneOff(runner, {
        name: 'one-off',
        user,
        config: folder,
        volume: `of-${volume}`,
        variable: 'TZ=Europe/Berlin',
        command,
      });
    expect(run(['kazoo-relay', 'check'])).toMatchObject({ status: 0, stderr: '' });
    const write = ['node', '-e', 'require("fs").writeFileSync("new", String(new Date(0)))'];
    expect(run(write)).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(runner.folderOf(`of-${volume}`), 'new'), 'utf8')).toContain('GMT+0100');
  });

  test('tells by numbers who may not write a journal, and doesn’t speak of sudo', () => {
    const { status, stderr } = oneOff(runner, {
      name: 'one-off',
      config: join(work, 'as-10001-10001'),
      volume: 'closed',
      variable: 'KAZOO_RELAY_JOURNAL_PATH=/opt/journal',
      command: ['kazoo-relay', 'run'],
    });
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
    let container: Running;
    let port: number;
    const start = (name: string) =>
      startContainer(
        runner,
        {
          ...{ name, config, volume: 'volume', variable: `KAZOO_RELAY_HTTP_LISTEN=127.0.0.1:${port}` },
          command: commandOf('kazoo-relay'),
        },
        join(work, name),
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
      const archive = () =>
        readFileSync(join(runner.folderOf('volume'), 'archive/notifications.ndjson'), 'utf8')
          .trim()
          .split('\n');
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
  const describeCompose = kind?.name === 'docker' && hasCompose ? describe : describe.skip;
  describeCompose('docker compose, with stand-ins for the images of RabbitMQ and PostgreSQL', () => {
    const page = documentedCommands('docs/get-started/docker.md');
    /** By line of the page, why it isn't run. */
    const notRun = new Map([
      ['docker compose up', 'the same with the demo is'],
      ['docker compose logs --follow kazoo-relay', 'it never ends'],
      ['docker compose exec kazoo-relay kazoo-relay tail --follow', 'it never ends'],
      [
        'docker compose cp kazoo-relay:/var/lib/kazoo-relay/archive/notifications.ndjson .',
        'version 1 of Compose lacks it',
      ],
      ['docker compose --profile demo build', 'another test builds'],
      ['docker build --tag kazoo-relay .', 'another test builds'],
      [
        'docker run --rm --volume /etc/kazoo-relay:/etc/kazoo-relay:ro kazoo-relay check',
        'another test runs it, with its own folder',
      ],
    ]);
    const ran = new Set<string>();
    let sh: (line: string) => Promise<string>;
    let port: number;
    /** Runs a line of the page, as it stands there or as a test must change it. */
    const documented = (line: string, changed = line) => {
      expect(page).toContain(line);
      ran.add(line);
      return sh(changed);
    };

    beforeAll(async () => {
      port = await freePort();
      const context = join(work, 'checkout');
      const [debian = ''] = basesOf(context).filter((name) => name.startsWith('debian:'));
      sh = shellWithCompose(context, engine?.host ?? '', debian, port);
      await sh(`docker tag ${debian} debian:bookworm-slim`);
      // As the page says it of a checkout made under such a umask.
      await sh('chmod -R go+rX deploy/docker');
    });

    afterAll(() => documented('docker compose --profile demo down --volumes'));

    test('starts all, in order, and the demo publishes and shows one of each event', async () => {
      await documented('docker compose --profile demo up', 'docker compose --profile demo up --detach');
      const valid = async () => (await sh('docker compose logs demo')).match(/ valid *$/gm)?.length;
      await until(async () => (await valid()) === events.length, { what: 'each event in the demo’s log' });
    });

    test('has the commands of the page: they publish, and show where it has arrived', async () => {
      await documented('docker compose exec kazoo-relay kazoo-relay publish missed_call --live');
      const logged = () => documented('docker compose logs --no-log-prefix kazoo-relay | tail');
      await until(async () => /^\{.*"missed_call"/m.test(await logged()), { what: 'the call in the log' });
      const select =
        "docker compose exec postgres psql -U kazoo_relay -c 'SELECT occurred_at, event, account_id FROM notifications'";
      await until(async () => (await documented(select)).includes(`(${events.length + 1} rows)`), {
        what: 'the call in the table',
      });
      expect(await documented('docker compose ps')).toMatch(/kazoo-relay.*127\.0\.0\.1:\d+->9400/s);
      expect(await documented('docker compose exec kazoo-relay kazoo-relay status')).toMatch(/^table .* delivering$/m);
    });

    test('opens the page on this machine, by the link that a command prints', async () => {
      const link = await documented('docker compose exec kazoo-relay kazoo-relay page');
      expect((await fetch(link.trim().replace(':9400/', `:${port}/`))).status).toBe(200);
    });

    test('checks and loads a changed configuration, and starts the daemon alone', async () => {
      expect(await documented('docker compose run --rm --no-deps kazoo-relay check')).toContain('no mistakes');
      await documented('docker compose exec kazoo-relay kazoo-relay reload');
      await documented('docker compose up --detach --no-deps kazoo-relay postgres');
      await documented('docker compose up --detach --no-deps kazoo-relay');
    });

    test('restores what was backed up, with its owner', async () => {
      await sh('mkdir -p backup');
      await documented('docker compose stop kazoo-relay');
      const backUp =
        'sudo docker cp --archive "$(docker compose ps --all --quiet kazoo-relay)":/var/lib/kazoo-relay "backup/$(date +%F)"';
      await documented(backUp, backUp.replace('$(date +%F)', '2026-11-24'));
      await documented('docker compose start kazoo-relay');
      const summary = () => sh('docker compose exec kazoo-relay kazoo-relay tail --limit 1000');
      const before = await summary();
      await sh(
        'docker compose stop kazoo-relay && docker run --rm --volume kazoo-relay_data:/data debian:bookworm-slim rm -r /data/journal',
      );
      const restore = page.find((line) => line.startsWith('docker run --rm --volume kazoo-relay_data:/data')) ?? '';
      await documented(restore);
      await documented('docker compose start kazoo-relay');
      expect(await summary()).toBe(before);
    });

    test('runs without Compose too, as the page says', async () => {
      await documented('docker compose stop kazoo-relay');
      const run = page.find((line) => line.startsWith('docker run --detach --name kazoo-relay ')) ?? '';
      // The servers and the passwords are Compose's.
      const more = '--network kazoo-relay_default --volume "$PWD/deploy/docker/secrets:/run/secrets:ro"';
      const changed = run
        .replace('/etc/kazoo-relay:', '"$PWD/deploy/docker/config":')
        .replace(/ kazoo-relay$/, ` ${more}$&`);
      await documented(run, changed);
      const isReady = () =>
        sh('docker exec kazoo-relay kazoo-relay status --check ready').then(
          () => true,
          () => false,
        );
      await until(isReady, { what: 'the daemon to be ready' });
      await sh('docker stop --time 20 kazoo-relay');
      expect(await sh('docker inspect --format {{.State.ExitCode}} kazoo-relay; docker rm kazoo-relay')).toMatch(
        /^0\n/,
      );
    });

    test('has no command on the page that is neither run here nor left out for a reason', () => {
      const left = page.filter((line) => /^(sudo )?docker /.test(line) && !ran.has(line) && !notRun.has(line));
      expect([...new Set(left)]).toEqual(['docker compose --profile demo down --volumes']);
    });
  });
});

/** The lines of shell on a page, each as one, without its comment. */
function documentedCommands(file: string): string[] {
  const text = readFileSync(file, 'utf8').replaceAll(/ *\\\n\s+| *&&\n\s+/g, (end) =>
    end.includes('&&') ? ' && ' : ' ',
  );
  return [...text.matchAll(/^ {4,}(\S.*)$/gm)].map(([, line = '']) => line.replace(/ +# .*/, ''));
}
