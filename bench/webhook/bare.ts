import { Pool } from 'undici';
import { openJournalReader } from '../../src/journal/sqlite.ts';
import { shape } from '../../src/routes/shape.ts';
import { contend } from '../process.ts';
import type { WebhookTask } from './task.ts';

// The same bodies as the route sends, made before the clock runs, by as many loops as the route has requests at a time.

await contend<WebhookTask>(async ({ folder, url, items, concurrency }) => {
  const journal = openJournalReader(folder);
  const entries = await journal.find({ after: 0, limit: items });
  await journal.close();
  const bodies = entries.map((entry) => shape(entry, []).json);
  const pool = new Pool(url, { connections: concurrency });
  const headers = { 'content-type': 'application/json' };
  const post = async () => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const answer = await pool.request({ path: '/', method: 'POST', headers, body });
      await answer.body.dump();
    }
  };
  return {
    run: () => Promise.all(Array.from({ length: concurrency }, post)),
    close: () => pool.close(),
  };
});
