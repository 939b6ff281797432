import pg from 'pg';
import { contend } from '../../process.ts';
import { batches, type SinkTask } from '../batches.ts';

// What anybody would write with pg: one insert a batch, each column an array.

const insert = `
  INSERT INTO notifications (id, event, category, account_id, zone, node, occurred_at, received_at, valid, problems, data)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::boolean[], $10::jsonb[], $11::jsonb[])
  ON CONFLICT (id) DO NOTHING`;

/** Whether the parameters are made before the clock runs. */
type Task = SinkTask & { readonly prepared?: true };

await contend<Task>(async (task) => {
  const client = new pg.Client(String(task.options.url));
  await client.connect();
  const all = batches(task);
  const made = task.prepared ? all.map(parametersOf) : undefined;
  return {
    async run() {
      for (const [index, batch] of all.entries()) await client.query(insert, made?.[index] ?? parametersOf(batch));
    },
    close: () => client.end(),
  };
});

function parametersOf(batch: ReturnType<typeof batches>[number]): unknown[][] {
  const envelopes = batch.map(({ envelope }) => envelope);
  return [
    envelopes.map(({ id }) => id),
    envelopes.map(({ event }) => event),
    envelopes.map(({ category }) => category),
    envelopes.map((envelope) => envelope.account_id),
    envelopes.map(({ zone }) => zone),
    envelopes.map(({ node }) => node),
    envelopes.map((envelope) => envelope.occurred_at),
    envelopes.map((envelope) => envelope.received_at),
    envelopes.map(({ valid }) => valid),
    envelopes.map(({ problems }) => JSON.stringify(problems)),
    envelopes.map(({ data }) => JSON.stringify(data)),
  ];
}
