import { Webhook } from 'standardwebhooks';
import { Pool } from 'undici';
import { openJournalReader } from '../../test/support/journal.ts';
import { deliveryFrom } from '../../test/support/notification.ts';
import { contend } from '../process.ts';
import type { WebhookTask } from './task.ts';

// The same bodies as the route sends, made before the clock runs, by as many loops as the route has requests at a time;
// signed by the same library, where the route signs.

await contend<WebhookTask>(async ({ folder, url, items, concurrency, secrets }) => {
  const journal = await openJournalReader(folder);
  const entries = await journal.find({ after: 0, limit: items });
  await journal.close();
  const messages = entries.map((entry) => ({ id: entry.header.id, body: deliveryFrom(entry).json }));
  const hooks = secrets.map((secret) => new Webhook(secret));
  const pool = new Pool(url, { connections: concurrency });
  const headersOf = (id: string, body: string): Record<string, string> => {
    const headers = { 'content-type': 'application/json' };
    if (hooks.length === 0) return headers;
    const now = new Date();
    const signature = hooks.map((hook) => hook.sign(id, now, body)).join(' ');
    const timestamp = String(Math.floor(now.getTime() / 1_000));
    return { ...headers, 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
  };
  const post = async () => {
    for (let message = messages.pop(); message !== undefined; message = messages.pop()) {
      const { id, body } = message;
      const answer = await pool.request({ path: '/', method: 'POST', headers: headersOf(id, body), body });
      await answer.body.dump();
    }
  };
  return {
    run: () => Promise.all(Array.from({ length: concurrency }, post)),
    close: () => pool.close(),
  };
});
