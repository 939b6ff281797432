import { join } from 'node:path';
import { tableOf } from '../../../test/support/database.ts';
import { startPostgres } from '../../../test/support/postgresql.ts';
import { sinkPart } from '../part.ts';

const bare = join(import.meta.dirname, 'bare.ts');

/** Over one connection each. */
export const postgresql = sinkPart({
  name: 'postgresql',
  type: 'database',
  usual: 100_000,
  bare: [
    { name: 'bare pg, parameters from the envelopes', program: bare },
    { name: 'bare pg, parameters made before', program: bare, options: { prepared: true } },
  ],
  async open() {
    const { url, query, close } = await startPostgres();
    const schema = tableOf({ url });
    return {
      options: { url },
      empty: async () => void (await query(`DROP TABLE IF EXISTS notifications; ${schema.join(';')}; CHECKPOINT`)),
      count: async () => Number((await query('SELECT count(*) FROM notifications'))[0]?.count),
      close,
    };
  },
});
