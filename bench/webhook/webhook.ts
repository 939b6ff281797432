import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { openJournal } from '../../src/journal/sqlite.ts';
import { notifications } from '../notifications.ts';
import { measure, start } from '../process.ts';
import type { Part } from '../rounds.ts';

const items = 30_000;
const concurrency = 64;

/** A whole route, from a journal that was filled before to the last settlement, against requests that nothing stands behind. */
export const webhook: Part = {
  name: 'webhook',
  items,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    await fill(folder);
    const receiver = start(join(import.meta.dirname, 'receiver.ts'), [], ['ignore', 'ignore', 'inherit', 'ipc']);
    const [port] = await once(receiver, 'message');
    const task = { folder, url: `http://127.0.0.1:${port}`, items, concurrency };
    const route = (secrets: readonly string[]) => measure(join(import.meta.dirname, 'route.ts'), { ...task, secrets });
    return {
      contenders: [
        { name: 'bare undici pool', run: () => measure(join(import.meta.dirname, 'bare.ts'), task) },
        { name: 'route', target: { rate: 0.8 }, run: () => route([]) },
        { name: 'route, signed', target: { rate: 0.8 }, run: () => route([Buffer.alloc(32, 'k').toString('base64')]) },
      ],
      async close() {
        const ended = once(receiver, 'exit');
        receiver.disconnect();
        await ended;
        rmSync(folder, { recursive: true });
      },
    };
  },
};

async function fill(folder: string): Promise<void> {
  const journal = openJournal(folder, pino({ level: 'silent' }));
  const all = notifications(items);
  for (let first = 0; first < items; first += 500) await journal.append(all.slice(first, first + 500));
  await journal.close();
}
