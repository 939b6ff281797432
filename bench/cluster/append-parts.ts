import { join } from 'node:path';
import { addRanges } from '../../src/journal/postgres/log-ranges.ts';
import { unlimited } from '../../test/support/journal.ts';
import { makeTables } from '../../test/support/postgres-tables.ts';
import { startPostgres } from '../../test/support/postgresql.ts';
import { measure } from '../process.ts';
import { type Figures, type Part, throughput, throughputOf } from '../rounds.ts';
import type { AppendTask } from './batches.ts';

const usual = 60_000;

const ofBinary = { unit: '× bare, binary arrays', digits: 2, against: 'nothing' } as const;

/** The append of the shared journal against a loop that stores as much in one table, over one connection each. */
export const appendParts: readonly Part[] = [100, 500].map((batchSize) => ({
  name: `cluster-append-${batchSize}`,
  metrics: { ...throughput, ofBinary },
  async open(scale) {
    // Whole batches.
    const items = Math.ceil((usual * scale) / batchSize) * batchSize;
    const postgres = await startPostgres();
    // Of the round before, for the one that comes before it.
    let binary = Number.NaN;
    const run = async (program: string, more: Partial<AppendTask> = {}): Promise<Figures> => {
      await postgres.query(`DROP TABLE IF EXISTS bare; CHECKPOINT;
        CREATE TABLE bare (id uuid PRIMARY KEY, received_at bigint NOT NULL, head text NOT NULL, data text NOT NULL)`);
      const tables = await makeTables(postgres.url);
      await addRanges(tables, unlimited, items);
      const task: AppendTask = { url: postgres.url, schema: tables.schema, items, batchSize, ...more };
      const figures = throughputOf(await measure(join(import.meta.dirname, program), task), items);
      if (task.isBinary) binary = figures.rate;
      await tables.query(`DROP SCHEMA ${tables.schema} CASCADE`);
      await tables.close();
      return { ...figures, ofBinary: figures.rate / binary };
    };
    return {
      contenders: [
        { name: 'bare pg, its own arrays', run: () => run('bare.ts') },
        { name: 'bare pg, binary arrays', run: () => run('bare.ts', { isBinary: true }) },
        {
          name: 'append of the shared journal',
          targets: { rate: { atLeast: 1 }, ofBinary: { atLeast: 0.6 } },
          run: () => run('append.ts'),
        },
      ],
      close: () => postgres.close(),
    };
  },
}));
