import { once } from 'node:events';
import { join } from 'node:path';
import { start } from '../process.ts';

export interface Receiver {
  readonly url: string;
  readonly port: number;
  /** How many requests have come in. */
  received(): Promise<number>;
  close(): Promise<void>;
}

/** Starts a receiver of webhooks in a process of its own. @param port any free one where it is left out */
export async function startReceiver(port = 0): Promise<Receiver> {
  const process = start(
    join(import.meta.dirname, 'receiver.ts'),
    [String(port)],
    ['ignore', 'ignore', 'inherit', 'ipc'],
  );
  const [listening] = await once(process, 'message');
  return {
    url: `http://127.0.0.1:${listening}`,
    port: listening,
    async received() {
      const told = once(process, 'message');
      process.send('received');
      const [count] = await told;
      return count;
    },
    async close() {
      const ended = once(process, 'exit');
      process.disconnect();
      await ended;
    },
  };
}
