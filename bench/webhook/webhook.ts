import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillJournal } from '../fill-journal.ts';
import { measure } from '../process.ts';
import { type Part, throughput, throughputOf } from '../rounds.ts';
import { startReceiver } from './start-receiver.ts';

const usual = 60_000;
const concurrency = 64;

/**
 * A whole route, from a journal that was filled before to the last settlement, against requests that nothing stands
 * behind.
 */
export const webhook = partWith('webhook', []);
/** The same where both sign what they send. */
export const webhookSigned = partWith('webhook-signed', [Buffer.alloc(32, 'k').toString('base64')]);

function partWith(name: string, secrets: readonly string[]): Part {
  return {
    name,
    metrics: throughput,
    async open(scale) {
      const items = Math.round(usual * scale);
      const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
      await fillJournal(folder, items, Date.now());
      const receiver = await startReceiver();
      const task = { folder, url: receiver.url, items, concurrency, secrets };
      const run = (program: string) => async () =>
        throughputOf(await measure(join(import.meta.dirname, program), task), items);
      return {
        contenders: [
          { name: 'bare undici pool', run: run('bare.ts') },
          { name: 'route', targets: { rate: { atLeast: secrets.length === 0 ? 0.92 : 0.8 } }, run: run('route.ts') },
        ],
        async close() {
          await receiver.close();
          rmSync(folder, { recursive: true });
        },
      };
    },
  };
}
