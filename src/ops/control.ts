import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Logger } from 'pino';
import { reasonOf } from '../errors.ts';

/** The daemon's door for commands on the same machine, open to whoever may enter the journal's folder. */
export interface Control {
  close(): Promise<void>;
}

/**
 * Answers everybody who connects with what `status` gives, as JSON. Where that can't be set up, the daemon runs all the
 * same, and says so.
 */
export async function openControl(folder: string, status: () => Promise<unknown>, log: Logger): Promise<Control> {
  const path = socketIn(folder);
  // The journal's lock is ours: a socket that is there already is what a killed daemon left.
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    status().then(
      (answer) => socket.end(JSON.stringify(answer)),
      (error) => socket.end(JSON.stringify({ error: reasonOf(error) })),
    );
  });
  server.listen(path);
  try {
    await once(server, 'listening');
  } catch (error) {
    log.warn({ path, reason: reasonOf(error) }, 'the command "status" will not find this daemon');
  }
  return {
    async close() {
      server.close();
      rmSync(path, { force: true });
    },
  };
}

/** How long a daemon may take to answer, in milliseconds. */
const answerWithin = 5_000;

/** What the daemon on this folder says of itself; null where none runs. */
export async function askDaemon(folder: string): Promise<unknown> {
  const socket = connect(socketIn(folder));
  socket.setTimeout(answerWithin, () => socket.destroy(new Error('the daemon does not answer')));
  try {
    return JSON.parse(await text(socket));
  } catch (error) {
    if (Error.isError(error) && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED'))
      return null;
    throw error;
  }
}

function socketIn(folder: string): string {
  return join(folder, 'control.sock');
}
