import { afterEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { dialectOf } from '../../../src/sinks/database/dialects.ts';
import { rowOf } from '../../../src/sinks/database/row.ts';
import { schemaDiff } from '../../../src/sinks/database/schema.ts';
import { tableOf } from '../../../src/sinks/database/table.ts';
import { SinkUnavailable } from '../../../src/sinks/sink.ts';
import {
  closeSinks,
  databaseSinkOptions,
  deliver,
  deliveries,
  deliveryOf,
  examineDatabase,
  openDatabaseSink,
  statuses,
} from '../../support/database.ts';
import { newTable } from './common.ts';

export interface MisfitsUnderTest {
  readonly url: () => string;
  readonly query: (sql: string) => Promise<unknown>;
  /** Gives a table of ours a column `tenant` that must have a value, and has none of its own. */
  readonly demand: (table: string) => string;
  /** Lets rows in again. */
  readonly mend: (table: string) => string;
  /** Makes a table of `id` and further columns. */
  readonly ownTable: (table: string, columns: string) => string;
  /** A type of whole numbers. */
  readonly number: string;
  readonly types: readonly string[];
  /** How many pairs of these types and of `sources` don't go together. */
  readonly incompatible: number;
}

/** What every database has in common where its table can take no row at all. */
export function tellsIncompatibilities(name: string, under: MisfitsUnderTest): void {
  const { url, query, ownTable } = under;
  const open = (options: object) => openDatabaseSink({ url: url(), ...options });
  const examined = (options: object) => examineDatabase({ url: url(), ...options });
  const nothingFills = /tenant.* \(give it a DEFAULT, let it be NULL, or name it in columns\)/;

  afterEach(closeSinks);

  describe(`a table in ${name} that can take no row at all`, () => {
    test('makes the sink unavailable and nothing a dead letter, from when it is changed until it is mended', async () => {
      const table = newTable();
      const sink = await open({ table });
      await deliver(sink, ...deliveries(2));
      await query(under.demand(table));
      for (const batch of [deliveries(1), deliveries(5)]) {
        const failed = deliver(sink, ...batch);
        await expect(failed).rejects.toThrow(SinkUnavailable);
        await expect(failed).rejects.toThrow(nothingFills);
      }
      await expect(examined({ table })).rejects.toThrow(nothingFills);
      await query(under.mend(table));
      expect(await statuses(deliver(sink, ...deliveries(2)))).toEqual(['delivered', 'delivered']);
      expect(await examined({ table })).toMatch(/ has the table \S+ as it must be$/);
    });

    test('is known for what it is where it is an own one, unless the column is one of those that we fill', async () => {
      const table = newTable();
      await query(ownTable(table, 'tenant text NOT NULL'));
      const options = { table, columnsOnly: true, columns: { id: 'id' } };
      await expect(open(options)).rejects.toThrow(nothingFills);
      await expect(examined(options)).rejects.toThrow(nothingFills);
      const filled = { ...options, columns: { id: 'id', tenant: 'data.tenant' } };
      expect(await examined(filled)).toContain('as it must be');
      const outcomes = statuses(deliver(await open(filled), deliveryOf({ tenant: 'a' }), deliveryOf({})));
      expect(await outcomes).toEqual(['delivered', 'dead']);
    });

    test('is seen by the type of a column, at the start and later, which its message names', async () => {
      const table = newTable();
      await query(ownTable(table, 'since text'));
      const options = { table, columnsOnly: true, columns: { id: 'id', since: 'occurred_at timestamp' } };
      const sink = await open(options);
      await deliver(sink, ...deliveries(1));
      await query(`DROP TABLE ${table}`);
      await query(ownTable(table, `since ${under.number}`));
      const message = /a column since that can hold a time: it is (bigint|INTEGER) \(make it \w+/;
      for (const work of [() => deliver(sink, ...deliveries(3)), () => open(options)])
        await expect(work()).rejects.toThrow(SinkUnavailable);
      await expect(deliver(sink, ...deliveries(1))).rejects.toThrow(message);
      await expect(examined(options)).rejects.toThrow(message);
    });

    test('is told by types that indeed refuse all that goes there', async () => {
      const table = newTable();
      await query(ownTable(table, under.types.map((type, index) => `c${index} ${type}`).join(', ')));
      const incompatible: string[] = [];
      for (const source of sources) {
        for (const [index, type] of under.types.entries()) {
          const columns = { id: 'id', [`c${index}`]: source };
          if (await isIncompatible({ url: url(), table, columnsOnly: true, columns }))
            incompatible.push(`${source} → ${type}`);
        }
      }
      expect(incompatible).toHaveLength(under.incompatible);
    });
  });
}

/** One of each form that what is in every envelope has. */
const times = ['occurred_at timestamp', 'received_at'];
const sources = ['id', 'id json', ...times, 'valid boolean', 'valid', 'problems json', 'data json'];

/** Whether the second column counts as one that can hold nothing. If it does, the database must say so of each row. */
async function isIncompatible(options: object): Promise<boolean> {
  const checked = databaseSinkOptions(options);
  // The second column may hold the id too.
  const table = { ...tableOf(checked), key: ['id'] };
  const dialect = dialectOf(checked.url);
  const database = await dialect.open(checked, table, pino({ level: 'silent' }));
  try {
    const found = await database.introspect();
    if (!schemaDiff(table, found, dialect).some(({ what }) => what.includes('that can hold'))) return false;
    for (const sample of samples()) {
      const error = await database.insert([rowOf(sample, table)], AbortSignal.timeout(10_000)).catch((error) => error);
      expect(database.classifyError(error)).toMatchObject({ kind: 'row' });
    }
    return true;
  } finally {
    await database.close();
  }
}

function samples() {
  const problems = [{ path: '/to', message: 'is odd', keyword: 'type' }];
  return [
    deliveryOf({}),
    deliveryOf({ now: 1 }, { problems, state: 'invalid' }),
    ...['018bcfe5-6800-8101-9716-446655440000', '20231114-1212-8101-8716-446655440000'].map((id) =>
      deliveryOf({}, { id }),
    ),
  ];
}
