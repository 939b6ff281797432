// node scripts/test.mjs [--unit] [--suite NAME] [PATTERN… and other arguments of jest]
//
// Runs the tests with jest, on the project's own Node. It installs the servers that the chosen files need, and no others;
// --unit chooses those that need none. All that a run writes stands in one folder for temporary files, which goes with
// the run, also after Ctrl-C; after a failure the logs in it stay.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { suites } from './suites.mjs';

const jest = [
  ...['node', '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  'node_modules/jest/bin/jest.js',
];

/** Each server, and the module that starts it: whoever imports that, however indirectly, needs the server. */
const startedBy = {
  rabbitmq: 'test/support/rabbitmq.ts',
  postgresql: 'test/support/postgresql.ts',
  pgbouncer: 'test/support/pgbouncer.ts',
  mariadb: 'test/support/mariadb.ts',
  prometheus: 'test/support/prometheus.ts',
  rsyslog: 'test/support/rsyslog.ts',
  exim: 'test/support/exim.ts',
  swift: 'test/support/swift.ts',
  chromium: 'test/support/browser.ts',
};

/** Runs of a property's test, for each that it has at submit. */
const longRuns = '20';

const { unit, suite, args } = parseArguments(process.argv.slice(2));
const inSuite = suiteArguments(suite);
const files = isWatching(args) ? [] : listTests([...inSuite, ...args]);
const needing = files.filter((file) => needsOf(file).size > 0);
const needs = unit ? [] : [...new Set(needing.flatMap((file) => [...needsOf(file)]))];
await run([
  ...['node', 'scripts/prepare.mjs', ...(needs.length > 0 ? ['--needs', needs.join(',')] : []), '--'],
  ...jest,
  ...inSuite,
  ...args,
  // They wait half of their time, for timers and short processes; arguments may say something else of the workers.
  ...(unit && args.length === 0 ? ['--maxWorkers', '3'] : []),
  ...(unit
    ? ['--testPathIgnorePatterns', '/node_modules/', '/test/suites/', ...needing.map((file) => `/${file}$`)]
    : []),
]);

function parseArguments(given) {
  const [first, second, ...rest] = given;
  if (first === '--unit') return { unit: true, suite: undefined, args: given.slice(1) };
  if (first !== '--suite') return { unit: false, suite: undefined, args: given };
  if (!Object.hasOwn(suites, second)) fail(`there is no suite ${second}: there are ${Object.keys(suites).join(', ')}`);
  return { unit: false, suite: second, args: rest };
}

/** What jest is told so that it runs a suite: its configuration leaves out the tests of all. */
function suiteArguments(name) {
  if (name === undefined) return [];
  if (name === 'long') return ['--testPathPatterns', filesWithProperties().join('|')];
  return ['--testPathIgnorePatterns', '/node_modules/', '--testPathPatterns', `/test/suites/${name}/`];
}

function isWatching(args) {
  return args.some((arg) => arg.startsWith('--watch'));
}

function listTests(args) {
  const [program, ...before] = jest;
  const choosing = args.filter((arg) => !/^--(json|outputFile|coverage)/.test(arg));
  const { status, stdout, stderr } = spawnSync(program, [...before, '--listTests', ...choosing], { encoding: 'utf8' });
  if (status !== 0) fail(`jest can't list the tests: ${stderr}${stdout}`);
  return stdout.split('\n').flatMap((file) => (file === '' ? [] : [relative('.', file)]));
}

/** The servers that a test file needs. */
function needsOf(file) {
  const reached = new Set([file]);
  // A set may grow while it is walked through.
  for (const one of reached) for (const target of importsOf(one)) reached.add(target);
  const said = /^\/\/ needs: ([\w, ]+)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.split(', ') ?? [];
  return new Set([...said, ...Object.keys(startedBy).filter((name) => reached.has(startedBy[name]))]);
}

/** Files of ours that come with a file; what is loaded later, or only for its types, may never be. */
function importsOf(file) {
  const statements = readFileSync(file, 'utf8').matchAll(/^(?:import|export)(?! type\b)[^;]*?from '(\.[^']+)'/gm);
  return [...statements].map(([, target]) => join(dirname(file), target)).filter((target) => target.endsWith('.ts'));
}

function filesWithProperties() {
  return globSync('test/**/*.test.ts').filter((file) => importsOf(file).includes('test/support/runs.ts'));
}

async function run([program, ...rest]) {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-'));
  const logs = join(folder, 'logs');
  mkdirSync(logs);
  // As the folder that it stands in for: servers run as a user of their own, and make and remove theirs in it.
  chmodSync(folder, 0o1777);
  const env = { ...process.env, TMPDIR: folder, RELAY_TEST_LOGS: logs };
  if (suite === 'long') env.RELAY_TEST_RUNS ??= longRuns;
  const child = spawn(program, rest, { stdio: 'inherit', env });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    // A terminal sends Ctrl-C to the whole group: the child has it already.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal));
  }
  const [code, signal] = await new Promise((resolve) => child.on('exit', (...how) => resolve(how)));
  endLeftovers(logs);
  const keepsLogs = code !== 0 && signal === null && readdirSync(logs).length > 0;
  const kept = keepsLogs ? ['logs'] : [];
  // Servers that end with jest may still be at work in theirs.
  const thorough = { recursive: true, force: true, maxRetries: 50 };
  for (const name of readdirSync(folder)) if (!kept.includes(name)) rmSync(join(folder, name), thorough);
  if (!keepsLogs) rmSync(folder, thorough);
  process.exit(code ?? 128 + constants.signals[signal]);
}

/** Processes of this run that have outlived it: no other has this in its environment. */
function endLeftovers(logs) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    try {
      const isOurs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`RELAY_TEST_LOGS=${logs}`);
      if (isOurs) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended by now, or is another user's.
    }
  }
}

function fail(text) {
  process.stderr.write(`kazoo-relay: ${text}\n`);
  process.exit(2);
}
