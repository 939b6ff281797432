import { join } from 'node:path';
import { tableOf } from '../../../test/support/database.ts';
import { startMariadb } from '../../../test/support/mariadb.ts';
import { sinkPart } from '../part.ts';

/** Over one connection each. */
export const mysql = sinkPart({
  name: 'mysql',
  type: 'database',
  usual: 50_000,
  bare: [{ name: 'bare mysql2', program: join(import.meta.dirname, 'bare.ts') }],
  async open() {
    const { url, query, close } = await startMariadb();
    const schema = tableOf({ url });
    return {
      options: { url },
      empty: async () => void (await query(`DROP TABLE IF EXISTS notifications; ${schema.join(';')}`)),
      count: async () => Number((await query('SELECT count(*) AS count FROM notifications'))[0]?.count),
      close,
    };
  },
});
