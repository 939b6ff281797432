import pg from 'pg';
import { headOf } from '../../src/journal/entry-head.ts';
import { bigintArray, textArray, uuidArray } from '../../src/journal/postgres/arrays.ts';
import { contend } from '../process.ts';
import { type AppendTask, batches } from './batches.ts';

// A loop that stores what a journal must have, in one table with a primary key: no order, no look for resends, nothing else.

const insert = `INSERT INTO bare (id, received_at, head, data)
  SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[]) ON CONFLICT (id) DO NOTHING`;

await contend<AppendTask>(async (task) => {
  const client = new pg.Client(task.url);
  await client.connect();
  const all = batches(task);
  return {
    async run() {
      for (const batch of all) {
        const ids = batch.map(({ header }) => header.id);
        const times = batch.map(({ header }) => header.receivedAt);
        const heads = batch.map((notification) => headOf(notification, null));
        const datas = batch.map(({ json }) => json);
        const values = task.isBinary
          ? [uuidArray(ids), bigintArray(times), textArray(heads), textArray(datas)]
          : [ids, times, heads, datas];
        await client.query({ name: 'insert', text: insert, values });
      }
    },
    close: () => client.end(),
  };
});
