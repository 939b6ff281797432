// needs: rpm, packaging
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ownArch } from '../../../scripts/release/arch.ts';
import * as deb from '../../../scripts/release/deb.ts';
import * as rpm from '../../../scripts/release/rpm.ts';
import { makeTree } from '../../../scripts/release/tree.ts';
import { bootDebian, type Machine } from '../../support/machine.ts';
import { type SharedBroker, shareBroker } from '../../support/rabbitmq.ts';
import { until } from '../../support/until.ts';
import { makeBaseRepository, makeRpmRoot } from './system/rpm-root.ts';

const epoch = 1_790_000_000;
const [older, newer] = ['0.0.1', '0.0.2'];

let folder: string;
let machine: Machine;
/** Of the key that the repositories are signed with. */
let gnupg: string;
/** The machine before anything was installed. */
let fresh: string;
let broker: SharedBroker;
/** Notifications that must have arrived since the service has its files. */
let published = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-packages-'));
  gnupg = makeKey('gnupg');
  const tree = makeTree(process.cwd(), join(folder, 'tree'), epoch, ownArch);
  for (const version of [older, newer]) await makePackages(tree, version);
  for (const version of [older, newer]) publishIn(gnupg, 'repository', packagesOf(version));
  cpSync(join(folder, 'repository'), join(folder, 'forged'), { recursive: true });
  const lists = join(folder, 'forged/apt/dists/stable/Release');
  writeFileSync(lists, readFileSync(lists, 'utf8').replace('stable', 'forged'));
  const inline = join(folder, 'forged/apt/dists/stable/InRelease');
  writeFileSync(inline, readFileSync(inline, 'utf8').replace('stable', 'forged'));
  writeOldJournal(join(folder, 'old'));
  execFileSync('chmod', ['-R', 'go=rX', folder]);
  broker = await shareBroker();
  machine = await bootDebian({
    '/release': tree,
    '/repository': join(folder, 'repository'),
    '/forged': join(folder, 'forged'),
    '/old': join(folder, 'old'),
  });
  fresh = join(folder, 'fresh');
  execFileSync('cp', ['--archive', '--reflink=auto', machine.root, fresh]);
}, 900_000);

afterAll(async () => {
  await machine?.close();
  await broker?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the package for Debian', () => {
  test('is not taken from a repository that its key did not sign', async () => {
    await useRepository('/forged/apt');
    await expect(machine.sh('apt-get update --error-on=any')).rejects.toThrow(/BADSIG|invalid|not signed/);
  });

  test('is installed from a signed repository, and starts nothing before it is configured', async () => {
    await useRepository('/repository/apt');
    await machine.sh('apt-get update --error-on=any');
    expect(await machine.sh(`apt-get install --yes kazoo-relay=${older}-1`)).toContain('kazoo-relay init');
    expect(await machine.sh('systemctl is-active kazoo-relay || :')).toBe('inactive');
    await lookAtFiles();
    expect(await machine.sh('dpkg --verify kazoo-relay')).toBe('');
  });

  test('delivers, once it has a broker', async () => {
    await configure();
    await machine.sh('kazoo-relay check --connect && systemctl enable --quiet --now kazoo-relay');
    await publish();
    expect(await machine.sh('systemctl show --property FragmentPath --value kazoo-relay')).toMatch(
      /^(\/usr)?\/lib\/systemd/,
    );
  });

  test('is upgraded while the daemon is stopped, which then runs again, with its configuration and an older journal', async () => {
    await noteStops();
    const configuration = await machine.sh('cat /etc/kazoo-relay/kazoo-relay.yaml');
    await machine.sh('apt-get install --yes kazoo-relay');
    expect(await machine.sh('kazoo-relay --version')).toBe(`kazoo-relay ${newer}`);
    expect(await machine.sh('cat /var/log/kazoo-relay/stops')).toBe(older);
    expect(await machine.sh('cat /etc/kazoo-relay/kazoo-relay.yaml')).toBe(configuration);
    await publish();
    await lookAtOldJournal();
  });

  test('leaves a service stopped that is stopped', async () => {
    await machine.sh('systemctl stop kazoo-relay; apt-get install --yes --reinstall kazoo-relay');
    expect(await machine.sh('systemctl is-active kazoo-relay || :')).toBe('inactive');
  });

  test('is removed with the service stopped, and leaves configuration and journal until it is purged', async () => {
    await machine.sh('systemctl start kazoo-relay; apt-get remove --yes kazoo-relay');
    expect(await machine.sh('pgrep -u kazoo-relay || :')).toBe('');
    await machine.sh('test -s /etc/kazoo-relay/kazoo-relay.yaml -a -s /var/lib/kazoo-relay/journal.sqlite');
    expect(await leftovers('/usr')).toBe('');
    await machine.sh('apt-get purge --yes kazoo-relay');
    expect(await leftovers('/')).toBe('');
  });

  test('takes over from deploy/install.sh: its unit, user, journal and configuration, and a daemon that runs', async () => {
    const before = await installByScript();
    const said = await machine.sh('apt-get install --yes --option Dpkg::Options::=--force-confold kazoo-relay');
    expect(said).toContain('rm -r /opt/kazoo-relay');
    expect(await lookAtTakeOver()).toEqual(before);
    await publish();
    await expect(machine.sh('/release/deploy/install.sh --uninstall --purge')).rejects.toThrow(
      'apt remove kazoo-relay',
    );
    await machine.sh('apt-get purge --yes kazoo-relay; rm -r /opt/kazoo-relay');
  });

  test('has no fault that lintian calls an error or a warning, but those that it says the reason of', () => {
    const file = packagesOf(newer).find((name) => name.endsWith('.deb')) ?? '';
    const { status, stdout } = spawnSync('lintian', ['--allow-root', file], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});

describe('the package for Rocky Linux', () => {
  const file = (version: string) => `/repository/rpm/kazoo-relay-${version}-1.x86_64.rpm`;

  test('is signed, and so is the list of its repository', async () => {
    await machine.sh('rpmkeys --import /repository/kazoo-relay.asc');
    expect(await machine.sh(`rpmkeys --checksig ${file(newer)}`)).toContain('digests signatures OK');
    await machine.sh(`head -c -1 ${file(newer)} > /root/cut.rpm; ! rpmkeys --checksig /root/cut.rpm; rm /root/cut.rpm`);
    const repository = join(folder, 'repository/rpm/repodata');
    execFileSync('gpg', ['--verify', `${repository}/repomd.xml.asc`, `${repository}/repomd.xml`], {
      env: { ...process.env, GNUPGHOME: join(folder, 'gnupg') },
      stdio: 'ignore',
    });
  });

  test('has no fault that rpmlint calls an error, but those that its settings say the reason of', () => {
    const settings = ['--config', 'deploy/packages/rpm/rpmlint.toml'];
    // As it was built: to rpmlint, a key that it doesn't know is an error.
    const built = packagesOf(newer).find((name) => name.endsWith('.rpm')) ?? '';
    const { stdout } = spawnSync('rpmlint', [...settings, built], { encoding: 'utf8' });
    expect(stdout).toContain('1 packages and 0 specfiles checked; 0 errors');
  });

  test('asks for the glibc that its Node needs', () => {
    const wanted = execFileSync('rpm', ['-qp', '--requires', join(folder, file(newer))], { encoding: 'utf8' });
    const versions = [...wanted.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
    expect(Math.max(...versions)).toBe(28);
  });

  // Debian's packages don't provide what those of Rocky Linux do: hence --nodeps.
  test('is installed, and delivers once it has a broker', async () => {
    expect(await machine.sh(`rpm --install --nodeps ${file(older)}`)).toContain('kazoo-relay init');
    expect(await machine.sh('systemctl is-active kazoo-relay || :')).toBe('inactive');
    await lookAtFiles();
    expect(await machine.sh('rpm --verify --nodeps kazoo-relay')).toBe('');
    await configure();
    await machine.sh('kazoo-relay check --connect && systemctl enable --quiet --now kazoo-relay');
    await publish();
  });

  test('is upgraded while the daemon is stopped, which then runs again, with its configuration and an older journal', async () => {
    await noteStops();
    const configuration = await machine.sh('cat /etc/kazoo-relay/kazoo-relay.yaml');
    await machine.sh(`rpm --upgrade --nodeps ${file(newer)}`);
    expect(await machine.sh('kazoo-relay --version')).toBe(`kazoo-relay ${newer}`);
    expect(await machine.sh('cat /var/log/kazoo-relay/stops')).toBe(older);
    expect(await machine.sh('cat /etc/kazoo-relay/kazoo-relay.yaml')).toBe(configuration);
    await publish();
    await lookAtOldJournal();
  });

  test('is erased with the service stopped, and leaves the configuration that was changed, and the journal', async () => {
    await machine.sh('rpm --erase kazoo-relay');
    expect(await machine.sh('pgrep -u kazoo-relay || :')).toBe('');
    expect(await leftovers('/usr')).toBe('');
    await machine.sh('test -s /etc/kazoo-relay/kazoo-relay.yaml.rpmsave -a -s /var/lib/kazoo-relay/journal.sqlite');
    await machine.sh(
      'rm -r /etc/kazoo-relay /etc/systemd/system/kazoo-relay* /var/lib/kazoo-relay /var/log/kazoo-relay',
    );
  });

  test('takes over from deploy/install.sh: its unit, user, journal and configuration, and a daemon that runs', async () => {
    const before = await installByScript();
    expect(await machine.sh(`rpm --install --nodeps ${file(newer)}`)).toContain('rm -r /opt/kazoo-relay');
    expect(await lookAtTakeOver()).toEqual(before);
    await publish();
  });
});

describe('the package for Rocky Linux, in a root that isn’t booted', () => {
  const fileOf = (version: string) => join(folder, `repository/rpm/kazoo-relay-${version}-1.x86_64.rpm`);
  const key = () => join(folder, 'repository/kazoo-relay.asc');
  const versionIn = (root: string) =>
    (JSON.parse(readFileSync(join(root, 'usr/lib/kazoo-relay/package.json'), 'utf8')) as { version: string }).version;

  test('is installed, upgraded and erased by rpm --root with its scriptlets, which make the user and start nothing', () => {
    const { rpm: run, sh, folder: root } = makeRpmRoot(fresh, join(folder, 'by-rpm'), key());
    expect(run('--install', fileOf(older))).toContain('kazoo-relay init');
    expect(sh('id --name --user kazoo-relay')).toBe('kazoo-relay');
    expect(sh('stat --format %U:%G:%a /etc/kazoo-relay /var/lib/kazoo-relay').split('\n')).toEqual([
      'root:kazoo-relay:750',
      'kazoo-relay:kazoo-relay:700',
    ]);
    expect(sh('/usr/lib/kazoo-relay/bin/node /usr/lib/kazoo-relay/dist/main.js --version')).toBe(
      `kazoo-relay ${older}`,
    );
    sh('echo "# ours" >> /etc/kazoo-relay/kazoo-relay.yaml');
    expect(run('--upgrade', fileOf(newer))).not.toContain('failed');
    expect(versionIn(root)).toBe(newer);
    expect(sh('tail -n 1 /etc/kazoo-relay/kazoo-relay.yaml')).toBe('# ours');
    run('--erase', 'kazoo-relay');
    expect(existsSync(join(root, 'usr/lib/kazoo-relay'))).toBe(false);
    expect(sh('tail -n 1 /etc/kazoo-relay/kazoo-relay.yaml.rpmsave; id --name --user kazoo-relay')).toBe(
      '# ours\nkazoo-relay',
    );
  });

  test('is installed, upgraded and removed by dnf from the signed repository', () => {
    const base = join(folder, 'base');
    makeBaseRepository(fileOf(older), base);
    const { dnf, folder: root } = makeRpmRoot(fresh, join(folder, 'by-dnf'), key(), base);
    const repository = join(folder, 'repository');
    dnf(repository, 'install', `kazoo-relay-${older}`);
    expect(versionIn(root)).toBe(older);
    dnf(repository, 'upgrade', 'kazoo-relay');
    expect(versionIn(root)).toBe(newer);
    dnf(repository, 'remove', 'kazoo-relay');
    expect(existsSync(join(root, 'usr/lib/kazoo-relay'))).toBe(false);
  });

  test('is taken by dnf neither from a list nor as a package that its key did not sign, nor without the glibc that it needs', () => {
    publishIn(makeKey('other-gnupg'), 'strange', packagesOf(newer));
    const unsigned = join(folder, 'unsigned/rpm');
    mkdirSync(unsigned, { recursive: true });
    for (const file of packagesOf(newer)) if (file.endsWith('.rpm')) cpSync(file, join(unsigned, basename(file)));
    execFileSync('createrepo_c', ['--quiet', unsigned]);
    execFileSync('gpg', ['--batch', '--armor', '--detach-sign', join(unsigned, 'repodata/repomd.xml')], {
      env: { ...process.env, GNUPGHOME: gnupg },
    });
    const { dnf, folder: root } = makeRpmRoot(fresh, join(folder, 'refusing'), key(), join(folder, 'base'));
    const install = (name: string) => () => dnf(join(folder, name), 'install', 'kazoo-relay');
    expect(install('strange')).toThrow(/GPG signature verification error|repomd\.xml/);
    expect(install('unsigned')).toThrow(/not signed|GPG check FAILED/);
    const { dnf: bare } = makeRpmRoot(fresh, join(folder, 'old-glibc'), key());
    expect(() => bare(join(folder, 'repository'), 'install', 'kazoo-relay')).toThrow(/nothing provides .*GLIBC_2\.\d+/);
    expect(existsSync(join(root, 'usr/lib/kazoo-relay'))).toBe(false);
  });
});

/** A throw-away key, of the kind that Rocky Linux 8 takes. */
function makeKey(name: string): string {
  const home = join(folder, name);
  mkdirSync(home, { mode: 0o700 });
  const key = ['--quick-generate-key', 'test@example.com', 'rsa3072', 'sign', 'never'];
  execFileSync('gpg', ['--batch', '--passphrase', '', ...key], {
    env: { ...process.env, GNUPGHOME: home },
    stdio: 'ignore',
  });
  return home;
}

/** Both packages of the same sources, under another version. */
async function makePackages(tree: string, version: string): Promise<void> {
  const work = join(folder, version);
  const own = join(work, 'tree');
  mkdirSync(work);
  execFileSync('cp', ['--archive', '--reflink=auto', tree, own]);
  const about = join(own, 'package.json');
  writeFileSync(about, readFileSync(about, 'utf8').replace(/"version": ".*"/, `"version": "${version}"`));
  const release = {
    version,
    epoch,
    arch: ownArch,
    out: work,
    root: process.cwd(),
    work,
    tree: () => own,
    compress: false,
  };
  await deb.build(release);
  await rpm.build(release);
}

function packagesOf(version: string): string[] {
  return globSync(join(folder, version, '*.{deb,rpm}'));
}

function publishIn(gnupg: string, name: string, packages: readonly string[]): void {
  execFileSync(resolve('deploy/packages/repository.sh'), [join(folder, name), 'test@example.com', ...packages], {
    env: { ...process.env, GNUPGHOME: gnupg },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function useRepository(path: string): Promise<void> {
  const source = `Types: deb\nURIs: file:${path}\nSuites: stable\nComponents: main\nSigned-By: /repository/kazoo-relay.asc\n`;
  await machine.sh('rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*');
  writeFileSync(join(machine.root, 'etc/apt/sources.list.d/kazoo-relay.sources'), source);
}

async function lookAtFiles(): Promise<void> {
  const modes = await machine.sh(
    "cd / && stat --format '%n %U:%G %a' etc/kazoo-relay etc/kazoo-relay/kazoo-relay.yaml var/lib/kazoo-relay var/log/kazoo-relay",
  );
  expect(modes.split('\n')).toEqual([
    'etc/kazoo-relay root:kazoo-relay 750',
    'etc/kazoo-relay/kazoo-relay.yaml root:kazoo-relay 640',
    'var/lib/kazoo-relay kazoo-relay:kazoo-relay 700',
    'var/log/kazoo-relay kazoo-relay:kazoo-relay 750',
  ]);
  await machine.sh('systemd-analyze verify --man=no kazoo-relay.service');
  await machine.sh(
    'test -s /usr/share/bash-completion/completions/kazoo-relay -a -s /usr/share/man/man1/kazoo-relay.1.gz',
  );
}

async function configure(): Promise<void> {
  published = 0;
  const file = join(machine.root, 'etc/kazoo-relay/kazoo-relay.yaml');
  // Written into the file that is there: it keeps its owner and mode.
  writeFileSync(file, readFileSync(file, 'utf8').replace(/url: .*/, `url: ${broker.url}`));
}

/** A journal as an older release left it, with one notification. */
function writeOldJournal(to: string): void {
  mkdirSync(to);
  using database = new DatabaseSync(join(to, 'journal.sqlite'));
  const [layout = ''] = globSync('test/fixtures/journals/*.sql').sort().slice(-1);
  const head = '["low_balance",true,null,null,"west",null,"k",false,"valid",[],null,[]]';
  database.exec(`PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; BEGIN; ${readFileSync(layout, 'utf8')};
    INSERT INTO notifications VALUES (1, 'of-an-older-release', 'f', 1, 1, 1, '${head}', '{}', NULL); COMMIT`);
}

function layoutOf(file: string): number {
  using database = new DatabaseSync(file, { readOnly: true });
  return Number(database.prepare('PRAGMA user_version').get()?.user_version);
}

/** That the daemon has brought up to date what noteStops put there, with what it held. */
async function lookAtOldJournal(): Promise<void> {
  const layout = layoutOf(join(machine.root, 'var/lib/kazoo-relay/journal.sqlite'));
  expect(layout).toBeGreaterThan(layoutOf(join(folder, 'old/journal.sqlite')));
  expect(await machine.sh('kazoo-relay why of-an-older-release')).toContain('low_balance');
}

/** Has the service write down, when it has stopped, which version's files are there, and leave a journal as an older release did. */
async function noteStops(): Promise<void> {
  const command =
    'sed -n \'s/.*"version": "\\\\(.*\\\\)".*/\\\\1/p\' /usr/lib/kazoo-relay/package.json >> /var/log/kazoo-relay/stops';
  const journal = '/var/lib/kazoo-relay/journal.sqlite';
  const putOld = `cp /old/journal.sqlite ${journal}; rm -f ${journal}-wal ${journal}-shm`;
  mkdirSync(join(machine.root, 'etc/systemd/system/kazoo-relay.service.d'));
  writeFileSync(
    join(machine.root, 'etc/systemd/system/kazoo-relay.service.d/stops.conf'),
    `[Service]\nExecStopPost=/bin/sh -c "${command.replaceAll('"', '\\"')}; ${putOld}"\n`,
  );
  await machine.sh('systemctl daemon-reload');
}

/** @returns what a package that takes over must keep */
async function installByScript(): Promise<object> {
  await machine.sh('/release/deploy/install.sh');
  await configure();
  await machine.sh('echo "# ours" >> /etc/systemd/system/kazoo-relay.service; systemctl daemon-reload');
  await machine.sh('systemctl enable --quiet --now kazoo-relay');
  await publish();
  return kept();
}

async function lookAtTakeOver(): Promise<object> {
  expect(await machine.sh('systemctl show --property ExecStart kazoo-relay')).toContain(
    '/usr/lib/kazoo-relay/bin/node',
  );
  expect(await machine.sh('readlink /proc/$(systemctl show --property MainPID --value kazoo-relay)/exe')).toBe(
    '/usr/lib/kazoo-relay/bin/node',
  );
  expect(await machine.sh('systemctl is-enabled kazoo-relay')).toBe('enabled');
  expect(await machine.sh('tail -n 1 /etc/systemd/system/kazoo-relay.service.edited')).toBe('# ours');
  expect(existsSync(join(machine.root, 'etc/systemd/system/kazoo-relay.service'))).toBe(false);
  return kept();
}

async function kept(): Promise<object> {
  return {
    user: await machine.sh('id kazoo-relay'),
    configuration: await machine.sh('cat /etc/kazoo-relay/kazoo-relay.yaml'),
    journalled: await machine.sh('kazoo-relay tail --limit 100000 | wc -l'),
  };
}

/** Publishes one of each event, and waits until they are in the file of the sink. */
async function publish(): Promise<void> {
  await until(
    () =>
      machine.sh('kazoo-relay status --check ready').then(
        () => true,
        () => false,
      ),
    { what: 'it to consume' },
  );
  published += Number(/(?<=^published )\d+/m.exec(await machine.sh('kazoo-relay publish --all'))?.[0]);
  const file = join(machine.root, 'var/log/kazoo-relay/notifications.ndjson');
  const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0);
  await until(() => lines() === published, { what: `${published} notifications in the file` });
}

function leftovers(place: string): Promise<string> {
  const apart = [
    '/release',
    '/repository',
    '/forged',
    '/old',
    '/proc',
    '/sys',
    '/run',
    '/tmp',
    '/var/log/journal',
    '/var/lib/apt',
    '/var/tmp',
  ];
  const prune = apart.map((path) => `-path ${path} -prune -o`).join(' ');
  return machine.sh(`find ${place} -xdev ${prune} -name '*kazoo-relay*' -not -name kazoo-relay.sources -print`);
}
