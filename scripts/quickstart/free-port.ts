import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections (Linux from 32,768 on): a server that is ended would
 * sometimes find its port taken by one of these when it is started again.
 */
const lowest = 10_000;
const highest = 32_767;

const mostTries = 100;

/** What others may not listen on yet. */
const given = new Set<number>();

/**
 * A port on loopback that nobody listens on just now; another one each time.
 * @throws Error where none is found
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const port = randomInt(lowest, highest + 1);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port found between ${lowest} and ${highest}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening'); // rejects where it can't
  } catch {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}
