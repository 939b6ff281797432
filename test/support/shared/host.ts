import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/*
 * What all test files of a run share: each thing is made when the first file asks for it, and ends with the run. It lives
 * in jest's own process, because those that run the test files come and go.
 */

interface Thing {
  /** What a test file has to know of it; plain data. */
  readonly about: unknown;
  /** A file or a folder. */
  readonly logs?: string | undefined;
  close(): Promise<void>;
}

/** Each loads what it needs: most runs in the making need few of them. */
const makers: Readonly<Record<string, () => Promise<Thing>>> = {
  async rabbitmq() {
    const { startPrivateBroker } = await import('../../../scripts/quickstart/private-broker.ts');
    const broker = await startPrivateBroker();
    const { url, port, env } = broker;
    return { about: { url, port, env }, logs: env.RABBITMQ_LOG_BASE, close: broker.close };
  },
  async postgresql() {
    const { startPostgres } = await import('../postgresql.ts');
    const server = await startPostgres();
    return { about: { port: server.port }, logs: join(server.folder, 'output'), close: server.close };
  },
  async mariadb() {
    const { startMariadb } = await import('../mariadb.ts');
    const server = await startMariadb();
    return { about: { port: server.port }, logs: join(server.folder, 'output'), close: server.close };
  },
  async program() {
    if (isStale('dist/main.js')) build();
    return { about: join(process.cwd(), 'dist/main.js'), close: async () => undefined };
  },
};

const things = new Map<string, Promise<Thing>>();
let server: Server | undefined;
let folder = '';

/** Jest calls it before the first test file. */
export default async function open(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-shared-'));
  const path = join(folder, 'socket');
  server = createServer({ allowHalfOpen: true }, (socket) => void answer(socket));
  await new Promise<void>((resolve) => server?.listen(path, resolve));
  process.env.RELAY_TEST_HOST = path;
}

/** Jest calls it after the last one. */
export async function close(): Promise<void> {
  server?.close();
  // One that couldn't be made has cleaned up by itself, and has failed the files that asked for it.
  for (const [name, making] of things) {
    const thing = await making.catch(() => undefined);
    keepLogs(name, thing?.logs);
    await thing?.close();
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Beside those of the daemons: the run leaves them where something has failed. */
function keepLogs(name: string, logs: string | undefined): void {
  const folder = process.env.RELAY_TEST_LOGS;
  if (folder !== undefined && logs !== undefined) cpSync(logs, join(folder, name), { recursive: true });
}

async function answer(socket: Socket): Promise<void> {
  const name = await text(socket);
  try {
    socket.end(JSON.stringify({ about: (await thingNamed(name)).about }));
  } catch (error) {
    socket.end(JSON.stringify({ error: String(error) }));
  }
}

function thingNamed(name: string): Promise<Thing> {
  const known = things.get(name);
  if (known !== undefined) return known;
  const made = makers[name]?.() ?? Promise.reject(new Error(`nobody knows how to make ${name}`));
  things.set(name, made);
  return made;
}

function isStale(built: string): boolean {
  if (!existsSync(built)) return true;
  const { mtimeMs } = statSync(built);
  const sources = [...globSync('src/**/*.ts'), 'package-lock.json', 'scripts/build.mjs'];
  return sources.some((file) => statSync(file).mtimeMs > mtimeMs);
}

function build(): void {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed: ${stderr}`);
}
