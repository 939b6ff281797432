import { closeSinks, deliver, openDatabaseSink } from '../../test/support/database.ts';
import { contend } from '../process.ts';
import { batches, type PostgresqlTask } from './batches.ts';

// The sink as a route has it: it looks at each outcome too.

await contend<PostgresqlTask>(async (task) => {
  const sink = await openDatabaseSink({ url: task.url });
  const all = batches(task);
  return {
    async run() {
      for (const batch of all) {
        const outcomes = await deliver(sink, ...batch);
        if (outcomes.some(({ status }) => status !== 'delivered')) throw new Error(JSON.stringify(outcomes[0]));
      }
    },
    close: closeSinks,
  };
});
