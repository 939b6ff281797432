import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { openJournal } from '../../test/support/journal.ts';
import { until } from '../../test/support/until.ts';
import { startWebhookRoute, webhookOptions } from '../../test/support/webhook.ts';
import { contend } from '../process.ts';
import type { WebhookTask } from './task.ts';

// A route as the daemon has it, over a journal that is full already.

await contend<WebhookTask>(async ({ folder, url, items, concurrency, secrets }) => {
  const log = pino({ level: 'warn' }, pino.destination(2));
  const journal = await openJournal(folder, log);
  // The sink loads its library when it is opened; the bare pool has loaded it before the clock runs, too.
  await import('../../src/sinks/http/transport.ts');
  const name = randomUUID();
  const options = webhookOptions({ url, concurrency, signature: { secrets }, allowPrivateNetworks: true });
  return {
    async run() {
      const { route, close } = await startWebhookRoute(
        journal,
        {
          ...{ name, order: 'none', events: [], accounts: [], zones: [], reveal: [] },
          ...{ previews: 'skip', invalid: 'quarantine', resends: 'skip', unknown: 'deliver', timeout: 60_000 },
          retry: { schedule: [5_000], maxWait: 60_000 },
          circuit: { failures: 5, maxPause: 60_000 },
        },
        options,
        log,
      );
      await until(() => route.activity.cursor === items, {
        what: 'all to be delivered',
        timeout: 120_000,
        interval: 5,
      });
      await close();
    },
    close: () => journal.close(),
  };
});
