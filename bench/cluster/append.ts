import pino from 'pino';
import { postgresServers } from '../../src/common/net/postgres-url.ts';
import { append } from '../../src/journal/postgres/append.ts';
import { Lane } from '../../src/journal/postgres/connection.ts';
import { Primary } from '../../src/journal/postgres/primary.ts';
import { contend } from '../process.ts';
import { type AppendTask, batches } from './batches.ts';

// The append of the shared journal, as the daemon's intake calls it.

await contend<AppendTask>(async (task) => {
  const primary = new Primary(postgresServers(task.url), task.schema, pino({ level: 'silent' }));
  const lane = new Lane(primary, { size: 1, within: 60_000, mustConfirm: true });
  const all = batches(task);
  return {
    async run() {
      for (const batch of all) {
        const { fresh } = await append(lane, 1, batch);
        if (fresh.length < batch.length) throw new Error('some of it was there');
      }
    },
    close: () => lane.close(),
  };
});
