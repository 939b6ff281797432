import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { startRoute } from '../../src/delivery/route.ts';
import { webhookSink } from '../../src/sinks/webhook/sink.ts';
import { openJournal } from '../../test/support/journal.ts';
import { until } from '../../test/support/until.ts';
import { webhookOptions } from '../../test/support/webhook-options.ts';
import { contend } from '../process.ts';
import type { WebhookTask } from './task.ts';

// A route as the daemon has it, over a journal that is full already.

await contend<WebhookTask>(async ({ folder, url, items, concurrency, secrets }) => {
  const log = pino({ level: 'warn' }, pino.destination(2));
  const journal = await openJournal(folder, log);
  // The sink loads its library when it is opened; the bare pool has loaded it before the clock runs, too.
  await import('undici');
  const name = randomUUID();
  const options = webhookOptions({ url, concurrency, signature: { secrets }, allowPrivateNetworks: true });
  return {
    async run() {
      const place = await journal.openRoute(name, 'earliest');
      const session = await place.session();
      const route = await startRoute(
        {
          ...{ name, order: 'none', events: [], accounts: [], zones: [], reveal: [] },
          ...{ previews: 'skip', invalid: 'quarantine', resends: 'skip', unknown: 'deliver', timeout: 60_000 },
          retry: { schedule: [5_000], maxWait: 60_000 },
          circuit: { failures: 5, maxPause: 60_000 },
          flow: webhookSink.limits(options),
        },
        { session, events: journal, log, openSink: () => webhookSink.open(options, { route: name, log }) },
      );
      await until(() => route.activity.cursor === items, {
        what: 'all to be delivered',
        timeout: 120_000,
        interval: 5,
      });
      await route.stop(AbortSignal.timeout(5_000));
      await session.close();
    },
    close: () => journal.close(),
  };
});
