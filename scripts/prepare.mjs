// node scripts/prepare.mjs [--needs rabbitmq,postgresql,pgbouncer,mariadb,prometheus,rsyslog,exim,swift] -- COMMAND ARGS…
//
// Makes a fresh clone ready, then runs the command on the project's own Node: installs the npm packages where they are
// missing or old, and finds the servers that the command needs, or installs them. It runs on any Node from 20 on, before
// there is a node_modules, so it uses nothing but Node. What is in place already costs some milliseconds and no word.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');

const servers = {
  rabbitmq: {
    package: 'rabbitmq-server',
    isThere: () =>
      anyFile('/usr/lib/rabbitmq/lib', 'sbin/rabbitmq-server') || existsSync('/opt/rabbitmq/sbin/rabbitmq-server'),
  },
  postgresql: {
    package: 'postgresql',
    isThere: () => anyFile('/usr/lib/postgresql', 'bin/initdb') || anyFile('/usr', 'bin/initdb', /^pgsql-/),
  },
  pgbouncer: having('pgbouncer', 'pgbouncer'),
  chromium: having('chromium', 'chromium'),
  prometheus: having('prometheus', 'promtool'),
  rsyslog: having('rsyslog', 'rsyslogd'),
  exim: having('exim4-daemon-light', 'exim4'),
  swift: having('python3-swift', '/usr/lib/python3/dist-packages/swift'),
  mariadb: {
    package: 'mariadb-server',
    isThere: () => ['/usr/sbin/mariadbd', '/usr/libexec/mariadbd'].some((file) => existsSync(file)),
  },
  rpm: having('rpm', 'rpmbuild'),
  packaging: having(
    'apt-utils createrepo-c debootstrap dnf gnupg lintian rpmlint systemd-container',
    ...['apt-ftparchive', 'createrepo_c', 'debootstrap', 'dnf', 'gpg', 'lintian', 'rpmlint', 'systemd-nspawn'],
  ),
  // Where these can't be had, the tests leave out what needs them, and say so.
  debootstrap: optional('debootstrap', 'debootstrap'),
  go: optional('golang-go', 'go'),
  java: optional('default-jdk-headless libgoogle-gson-java', 'java', '/usr/share/java/gson.jar'),
  lighttpd: optional('lighttpd jq', 'lighttpd', 'jq'),
  php: optional('php-cli', 'php'),
  qemu: optional('qemu-user-static', 'qemu-aarch64-static'),
  ruby: optional('ruby ruby-webrick', 'ruby'),
};

function having(packages, ...programs) {
  const folders = ['/usr/bin', '/usr/sbin', '/usr/local/bin'];
  const isProgram = (name) => folders.some((folder) => existsSync(resolve(folder, name)));
  return { package: packages, isThere: () => programs.every(isProgram) };
}

function optional(...given) {
  return { ...having(...given), isOptional: true };
}

/**
 * Debian's packages start their services at once: on somebody's own machine, nobody asked for a broker on port 5672. Nor for
 * another mail server in place of theirs: nothing is removed.
 */
const installWithoutStarting = `
  policy=/usr/sbin/policy-rc.d
  if ! [ -e $policy ]; then
    trap 'rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\\nexit 101\\n' > $policy && chmod 755 $policy
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update > /dev/null
  apt-get -q install -y --no-remove --no-install-recommends "$@" > /dev/null
`;

const { needs, command } = parseArguments(process.argv.slice(2));
installPackages();
installServers(needs.filter((name) => !servers[name].isThere()));
run(command);

function parseArguments(args) {
  const end = args.indexOf('--');
  const needs = args[0] === '--needs' ? args[1].split(',') : [];
  return { needs, command: args.slice(end + 1) };
}

function installPackages() {
  if (packagesAreCurrent()) return;
  say('installing the npm packages …');
  // The pinned Node is a package too (tools/runtime): no package has to run anything at its installation.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) fail('the npm packages could not be installed: what npm says stands above');
  if (!existsSync(join(bin, 'node')))
    fail('tools/runtime names no Node for this machine: it needs Linux on x64 or arm64');
}

/** True when node_modules holds what package-lock.json asks for, the pinned Node among it. */
function packagesAreCurrent() {
  const wanted = packagesIn(join(root, 'package-lock.json'));
  const installed = packagesIn(join(root, 'node_modules', '.package-lock.json'));
  // Of what is optional, only what is for this kind of machine is there.
  const isCurrent = ([path, { version, optional }]) =>
    path === '' || (path in installed ? installed[path].version === version : optional);
  return Object.entries(wanted).every(isCurrent) && existsSync(join(bin, 'node'));
}

function packagesIn(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {};
}

function installServers(missing) {
  if (missing.length === 0) return;
  const packages = missing.map((name) => servers[name].package).join(' ');
  const sudo = rootCommand();
  if (!existsSync('/usr/bin/apt-get') || sudo === undefined) {
    sayOrFail(missing)(
      `this needs ${packages}, which are not on this machine. On Debian or Ubuntu: sudo apt-get install ${packages}. On Rocky ` +
        'Linux or Fedora: sudo dnf install with the same names. Private servers are started from them; an installed service is left ' +
        'alone. Or run the whole with docker compose up, which brings its own.',
    );
    return;
  }
  say(`installing the Debian packages ${packages} …`);
  spawnSync(...sudo('sh', '-c', installWithoutStarting, 'install', ...packages.split(' ')), {
    stdio: ['ignore', 2, 2],
  });
  const still = missing.filter((name) => !servers[name].isThere());
  if (still.length > 0) sayOrFail(still)(`apt-get could not install ${packages}: what it says stands above`);
}

/** What is optional is only told of. */
function sayOrFail(missing) {
  return missing.every((name) => servers[name].isOptional) ? say : fail;
}

/** How to run a command as root; undefined where that needs a password. */
function rootCommand() {
  if (process.getuid() === 0) return (program, ...args) => [program, args];
  const { status } = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
  return status === 0 ? (...args) => ['sudo', ['-n', ...args]] : undefined;
}

/** Runs the command in our place: its signals, its exit code, its input and output. */
function run([program, ...args]) {
  const child = spawn(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
  });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    // A terminal sends Ctrl-C to the whole group: the child has it already, and twice would mean "at once" to the daemon.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal));
  }
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function anyFile(folder, path, name = /./) {
  return (
    existsSync(folder) && readdirSync(folder).some((entry) => name.test(entry) && existsSync(join(folder, entry, path)))
  );
}

function say(text) {
  process.stderr.write(`kazoo-relay: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
