import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../scripts/quickstart/free-port.ts';

/** A database server for one test file: own port on loopback, own data, gone without a trace when it is closed. */
export interface TestServer {
  readonly port: number;
  /** Holds all that is its own. */
  readonly folder: string;
  /** Starts it again, on the same port and with its data. */
  start(): Promise<void>;
  /** Stops it as an operator does; its data stays. */
  stop(): Promise<void>;
  /** Ends it and all of its processes with SIGKILL; its data stays. */
  kill(): Promise<void>;
  /** Ends it, however it stands, and removes all that it left. */
  close(): Promise<void>;
}

interface ServerProgram {
  readonly name: string;
  /** Makes the data folder; and what runs the server in it. Both run as `account`. */
  initialise(folder: string, run: Run): Promise<void>;
  command(folder: string, port: number): readonly string[];
  /** Asks it something. Rejects while it isn't ready. */
  ask(port: number): Promise<unknown>;
  /** The signal that means: stop now, and properly. */
  readonly stopSignal: string;
}

export type Run = (program: string, ...args: string[]) => Promise<void>;

/** Database servers refuse to run as root: then they run as this user. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

/**
 * Starts a server and waits until it answers. Should this process end before `close`, even by SIGKILL, the server ends
 * with it.
 */
export async function startServer(program: ServerProgram): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), `kazoo-relay-${program.name}-`));
  if (nobody.uid !== undefined) chownSync(folder, nobody.uid, nobody.gid);
  const port = await freePort();
  let keeper: ChildProcess | undefined;

  const tell = async (word: string) => {
    if (keeper !== undefined && keeper.exitCode === null && keeper.signalCode === null) {
      const ended = once(keeper, 'exit');
      keeper.stdin?.write(`${word}\n`);
      await ended;
    }
    keeper = undefined;
  };
  const server: TestServer = {
    port,
    folder,
    async start() {
      keeper = spawnAsNobody(folder, ['/bin/bash', '-c', keeperScript, folder, ...program.command(folder, port)]);
      await untilReady(program, port, keeper, folder);
    },
    stop: () => tell(program.stopSignal),
    kill: () => tell('KILL'),
    async close() {
      await tell('KILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
  try {
    await program.initialise(folder, async (command, ...args) => {
      const child = spawnAsNobody(folder, [command, ...args]);
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`${command} ended with ${code}. ${lastWords(folder)}`);
    });
    await server.start();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

/** Makes `certificate` and `key` in the folder, for the host localhost. */
export function makeCertificate(folder: string, run: Run): Promise<void> {
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  return run('openssl', 'req', ...kind, ...names, '-out', join(folder, 'certificate'), '-keyout', join(folder, 'key'));
}

/** How long a start may take, in milliseconds. */
const startWithin = 60_000;

/**
 * Ends with the server. A word on its stdin is the signal to end the server with; KILL takes the server's children
 * along. When stdin ends, whoever started it is gone: it ends the server and removes the folder.
 *
 * A server is stopped before it is killed, so that it has no more children than were counted. And these must be gone too:
 * the next server would find the memory that they share still in use, and give up.
 */
const keeperScript = `
  folder=$0; "$@" & server=$!
  (while kill -0 $server 2>/dev/null; do sleep 0.1; done; kill -KILL $$) 2>/dev/null & watcher=$!
  wait_while() { while grep -qs "^State:.[$2]" /proc/$1/status; do sleep 0.01; done; }
  end() {
    kill $watcher
    if [ $1 = KILL ]; then
      kill -STOP $server; wait_while $server RSD
      children=$(cat /proc/$server/task/*/children 2>/dev/null)
      kill -KILL $server $children
      for child in $children; do wait_while $child RSDT; done
    else
      kill -$1 $server
    fi
    wait $server
  }
  while read -r word; do end $word; exit 0; done
  end KILL; cd /; rm -rf "$folder"
`;

function spawnAsNobody(folder: string, [program = '', ...args]: readonly string[]): ChildProcess {
  const output = openSync(join(folder, 'output'), 'a');
  const child = spawn(program, args, {
    ...nobody,
    cwd: folder,
    env: { PATH: `${process.env.PATH}:/usr/sbin:/usr/libexec`, HOME: folder, LANG: 'C.UTF-8', TZ: 'America/New_York' },
    stdio: ['pipe', output, output],
  });
  closeSync(output);
  return child;
}

async function untilReady(program: ServerProgram, port: number, keeper: ChildProcess, folder: string): Promise<void> {
  const deadline = performance.now() + startWithin;
  for (;;) {
    try {
      await program.ask(port);
      return;
    } catch (cause) {
      const isOver = keeper.exitCode !== null || keeper.signalCode !== null;
      if (isOver || performance.now() > deadline) {
        throw new Error(`${program.name} did not start. ${lastWords(folder)}`, { cause });
      }
      await delay(20);
    }
  }
}

function lastWords(folder: string): string {
  return `It said:\n${readFileSync(join(folder, 'output'), 'utf8').trim().split('\n').slice(-20).join('\n')}`;
}
