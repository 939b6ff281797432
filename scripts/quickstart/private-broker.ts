import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import amqp from 'amqplib';
import { freePort } from './free-port.ts';

/**
 * A RabbitMQ of one's own: own ports on loopback, own data folder, own cookie, gone without a trace when it is closed.
 */
export interface PrivateBroker {
  readonly url: string;
  readonly port: number;
  /** What a program of RabbitMQ's or Erlang's needs to reach it. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs rabbitmqctl against it and returns what that prints. Throws with what it says on stderr. */
  ctl(...args: string[]): Promise<string>;
  /** Starts it again, on the same port and with the data that is left. */
  start(): Promise<void>;
  /** Stops it properly; its data stays. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL; its data stays. */
  kill(): Promise<void>;
  /** Deletes the data of a broker that is stopped, as KAZOO's service does at every start. */
  wipe(): void;
  /** Ends it, however it stands, and removes all that it left. */
  close(): Promise<void>;
}

/**
 * Starts a private RabbitMQ and waits until it takes connections. Should this process end before `close`, even by
 * SIGKILL, the broker ends with it.
 * @param config lines for its rabbitmq.conf
 * @throws Error when there is no RabbitMQ on this machine, or it doesn't start
 */
export async function startPrivateBroker(config = ''): Promise<PrivateBroker> {
  const found = findPrograms();
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-rabbitmq-'));
  const programs = process.env.RABBITMQ_PROGRAMS === undefined ? withoutPlugins(found, folder) : found;
  const port = await freePort();
  const distributionPort = await freePort();
  const epmdPort = await freePort();
  writeConfig(folder, port, config);
  const env = environment(folder, port, distributionPort, epmdPort);
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  let server: ChildProcess | undefined;

  const end = async (how: (server: ChildProcess) => void) => {
    if (server !== undefined && server.exitCode === null && server.signalCode === null) {
      // All of its group hold the fourth of its streams: while one still dies, its port may not be free.
      const ended = once(server, 'close');
      how(server);
      await ended;
    }
    server = undefined;
  };
  const broker: PrivateBroker = {
    url,
    port,
    env,
    ctl: async (...args) => (await run(join(programs, 'rabbitmqctl'), args, { env })).stdout,
    async start() {
      const output = openSync(join(folder, 'output'), 'w');
      server = spawn('/bin/sh', ['-c', keeper, join(programs, 'rabbitmq-server'), folder], {
        env,
        detached: true,
        stdio: ['pipe', output, output, 'pipe'],
      });
      closeSync(output);
      await untilReady(url, server, folder);
    },
    stop: () => end((running) => running.stdin?.write('stop\n')),
    kill: () => end(killGroup),
    wipe: () => rmSync(join(folder, 'data'), { recursive: true, force: true }),
    async close() {
      await end(killGroup);
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
  try {
    await broker.start();
  } catch (error) {
    await broker.close();
    throw error;
  }
  return broker;
}

const run = promisify(execFile);

/** How long a start may take, in milliseconds. */
const startWithin = 60_000;

/**
 * Leads the process group of epmd and server, and ends with the server. A line on its stdin stops the server properly.
 * When stdin ends, whoever started it is gone: it ends the whole group and removes the folder.
 */
const keeper = `
  epmd -port "$ERL_EPMD_PORT" &
  "$0" & server=$!
  exec 4<&0
  (while read -r word <&4; do kill -TERM $server; done; rm -rf "$1"; kill -KILL 0) &
  wait $server
  kill -KILL 0
`;

/** The folder that holds rabbitmq-server and rabbitmqctl. */
function findPrograms(): string {
  const places = [
    '/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin',
    '/usr/local/lib/rabbitmq_server-*/sbin',
    '/opt/rabbitmq/sbin',
  ];
  const installed = globSync(places.map((place) => `${place}/rabbitmq-server`)).map(dirname);
  const programs = process.env.RABBITMQ_PROGRAMS ?? installed.at(-1);
  if (programs !== undefined) return programs;
  throw new Error('there is no RabbitMQ on this machine: install the package rabbitmq-server');
}

/**
 * A RabbitMQ installed in the folder, of the applications alone that it is made of: Erlang looks for each of its modules in
 * the folders of all plugins too, which is half of a start.
 * @returns the folder of its programs
 */
function withoutPlugins(programs: string, folder: string): string {
  const [installed, own] = [dirname(programs), join(folder, 'installed')];
  mkdirSync(join(own, 'plugins'), { recursive: true });
  // Not a link: the programs look for everything else beside themselves.
  cpSync(programs, join(own, 'sbin'), { recursive: true });
  symlinkSync(join(installed, 'escript'), join(own, 'escript'));
  for (const name of ownApplications(join(installed, 'plugins')))
    symlinkSync(join(installed, 'plugins', name), join(own, 'plugins', name));
  return join(own, 'sbin');
}

/** The folders of RabbitMQ's own applications, among those of its plugins: it names those that it needs, and they others. */
function ownApplications(folder: string): readonly string[] {
  const folders = new Map(readdirSync(folder).map((name) => [name.replace(/-[^-]*$/, ''), name]));
  const needed = new Set(['rabbit', 'rabbitmq_prelaunch']);
  // A set may grow while it is walked through. Those that have no folder here are Erlang's.
  for (const name of needed) {
    const [description = ''] = globSync(join(folder, folders.get(name) ?? '', 'ebin', `${name}.app`));
    const [, list = ''] = /\{applications,\s*\[([^\]]*)\]/.exec(description && readFileSync(description, 'utf8')) ?? [];
    for (const other of list.match(/\w+/g) ?? []) needed.add(other);
  }
  return [...needed].flatMap((name) => folders.get(name) ?? []);
}

function writeConfig(folder: string, port: number, config: string): void {
  for (const part of ['home', 'data', 'log']) mkdirSync(join(folder, part));
  writeFileSync(join(folder, 'plugins'), '[].');
  writeFileSync(join(folder, 'env.conf'), '');
  writeFileSync(
    join(folder, 'rabbitmq.conf'),
    `listeners.tcp.1 = 127.0.0.1:${port}\ndisk_free_limit.absolute = 1MB\n${config}\n`,
  );
}

/** Everything that RabbitMQ and Erlang would otherwise share with an installed broker. */
function environment(folder: string, port: number, distributionPort: number, epmdPort: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: join(folder, 'home'),
    LANG: 'C.UTF-8',
    RABBITMQ_NODENAME: `kazoo-relay-${port}@localhost`,
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'env.conf'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
}

/** Waits until the broker answers as AMQP does: its port is open some time before that. */
async function untilReady(url: string, server: ChildProcess, folder: string): Promise<void> {
  const deadline = performance.now() + startWithin;
  for (;;) {
    try {
      const connection = await amqp.connect(url, { timeout: 2_000 });
      await connection.close();
      return;
    } catch (cause) {
      if (server.signalCode !== null)
        throw new Error(`RabbitMQ ended while it started. ${lastWords(folder)}`, { cause });
      if (performance.now() > deadline) {
        throw new Error(`RabbitMQ did not start within ${startWithin / 1000} s. ${lastWords(folder)}`, { cause });
      }
      await delay(100);
    }
  }
}

function lastWords(folder: string): string {
  return `It said:\n${readFileSync(join(folder, 'output'), 'utf8').trim().split('\n').slice(-20).join('\n')}`;
}

function killGroup({ pid }: ChildProcess): void {
  // A group has the pid of its leader. One that never started has none, and nothing to end.
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}
