import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { tableOf } from '../../../test/support/database.ts';
import { sinkPart } from '../part.ts';

export const sqlite = sinkPart({
  name: 'sqlite',
  type: 'database',
  usual: 100_000,
  bare: [{ name: 'bare node:sqlite', program: join(import.meta.dirname, 'bare.ts') }],
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const path = join(folder, 'notifications.db');
    const url = `sqlite://${path}`;
    return {
      options: { url },
      async empty() {
        for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
        using database = new DatabaseSync(path);
        for (const statement of tableOf({ url })) database.exec(statement);
      },
      async count() {
        using database = new DatabaseSync(path);
        return Number(database.prepare('SELECT count(*) AS count FROM notifications').get()?.count);
      },
      close: async () => rmSync(folder, { recursive: true }),
    };
  },
});
