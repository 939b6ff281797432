import { join } from 'node:path';
import { tableOf } from '../../test/support/database.ts';
import { startPostgres } from '../../test/support/postgresql.ts';
import { measure } from '../process.ts';
import { type Figures, type Part, throughput, throughputOf } from '../rounds.ts';

const usual = 100_000;
const batchSize = 500;

/** The database sink's `deliver` against one insert a batch, over one connection each. */
export const postgresql: Part = {
  name: 'postgresql',
  metrics: throughput,
  async open(scale) {
    // Whole batches.
    const items = Math.ceil((usual * scale) / batchSize) * batchSize;
    const postgres = await startPostgres();
    const { url } = postgres;
    const schema = tableOf({ url });
    const task = { url, items, batchSize };
    const onEmptyTable = async (program: string, options: object = {}): Promise<Figures> => {
      await postgres.query(`DROP TABLE IF EXISTS notifications; ${schema.join(';')}; CHECKPOINT`);
      const measurement = await measure(join(import.meta.dirname, program), { ...task, ...options });
      const [{ count } = {}] = await postgres.query('SELECT count(*)::int FROM notifications');
      if (count !== items) throw new Error(`the table has ${count} rows, not ${items}`);
      return throughputOf(measurement, items);
    };
    return {
      contenders: [
        { name: 'bare pg, parameters from the envelopes', run: () => onEmptyTable('bare.ts') },
        { name: 'bare pg, parameters made before', run: () => onEmptyTable('bare.ts', { prepared: true }) },
        { name: 'database sink', targets: { rate: { atLeast: 0.8 } }, run: () => onEmptyTable('sink.ts') },
      ],
      close: () => postgres.close(),
    };
  },
};
