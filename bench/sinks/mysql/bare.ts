import mysql from 'mysql2/promise';
import { contend } from '../../process.ts';
import { batches, type SinkTask } from '../batches.ts';

// What anybody would write with mysql2: one insert a batch.

const insert = `
  INSERT INTO notifications (id, event, category, account_id, zone, node, occurred_at, received_at, valid, problems, data)
  VALUES ?`;

await contend<SinkTask>(async (task) => {
  const connection = await mysql.createConnection(String(task.options.url).replace('mariadb:', 'mysql:'));
  const all = batches(task);
  return {
    async run() {
      for (const batch of all) await connection.query(insert, [batch.map(({ envelope }) => rowOf(envelope))]);
    },
    close: () => connection.end(),
  };
});

function rowOf(envelope: ReturnType<typeof batches>[number][number]['envelope']) {
  const { id, event, category, account_id, zone, node, occurred_at, received_at, valid, problems, data } = envelope;
  const times = [occurred_at, received_at].map((time) => time?.replace('T', ' ').replace('Z', ''));
  return [id, event, category, account_id, zone, node, ...times, valid, JSON.stringify(problems), JSON.stringify(data)];
}
