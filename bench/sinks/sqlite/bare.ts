import { DatabaseSync } from 'node:sqlite';
import { contend } from '../../process.ts';
import { batches, type SinkTask } from '../batches.ts';

// What anybody would write with node:sqlite: a transaction a batch.

const insert = `
  INSERT INTO notifications (id, event, category, account_id, zone, node, occurred_at, received_at, valid, problems, data)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`;

await contend<SinkTask>(async (task) => {
  const database = new DatabaseSync(new URL(String(task.options.url)).pathname);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const statement = database.prepare(insert);
  const all = batches(task);
  return {
    async run() {
      for (const batch of all) {
        database.exec('BEGIN IMMEDIATE');
        for (const { envelope } of batch) statement.run(...rowOf(envelope));
        database.exec('COMMIT');
      }
    },
    close: async () => database.close(),
  };
});

function rowOf(envelope: ReturnType<typeof batches>[number][number]['envelope']) {
  const { id, event, category, account_id, zone, node, occurred_at, received_at, valid, problems, data } = envelope;
  return [
    ...[id, event ?? null, category ?? null, account_id ?? null, zone ?? null, node ?? null],
    ...[occurred_at ?? null, received_at ?? null, Number(valid), JSON.stringify(problems), JSON.stringify(data)],
  ];
}
