import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { postgresServers } from '../../src/common/net/postgres-url.ts';
import { type Database, Lane } from '../../src/journal/postgres/connection.ts';
import { migrate } from '../../src/journal/postgres/migrate.ts';
import { Primary } from '../../src/journal/postgres/primary.ts';

/** The tables of a shared journal, without any daemon. */
export interface Tables extends Database {
  readonly schema: string;
  /** Appends valid notifications that came at these times, in one batch, and returns the place of the last one. */
  append(times: readonly number[], parts?: RowParts): Promise<number>;
  /** The first column of each row. */
  values(text: string, values?: readonly unknown[]): Promise<unknown[]>;
}

export interface RowParts {
  /** Null is valid. */
  readonly rank?: 0 | 1 | 2;
  readonly event?: string;
  readonly ids?: readonly string[];
  readonly occurrences?: readonly string[];
  readonly data?: string;
}

/** Makes them in a schema of their own. */
export async function makeTables(url: string, log = pino({ level: 'silent' })): Promise<Tables> {
  const schema = `journal_${randomUUID().slice(0, 8)}`;
  const lane = new Lane(new Primary(postgresServers(url), schema, log), { size: 4, within: 60_000 });
  await migrate(lane, schema);
  const values: Tables['values'] = async (text, parameters) =>
    (await lane.query(text, parameters)).map((row) => Object.values(row)[0]);
  return {
    schema,
    values,
    query: (...statement) => lane.query(...statement),
    transaction: (work) => lane.transaction(work),
    get away() {
      return lane.away;
    },
    close: () => lane.close(),
    async append(times, { rank, event = 'e', ids, occurrences, data = '{}' } = {}) {
      const each = <T>(value: T) => times.map(() => value);
      await lane.query(
        `SELECT append(1, $1::uuid[], $2::bigint[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::smallint[], $7::text[],
           $8::text[], $9::text[], $10::bytea[], NULL)`,
        [
          times.map((time, index) => ids?.[index] ?? uuidAt(time)),
          times,
          ...[
            each(event),
            each('a'),
            times.map((_, index) => occurrences?.[index] ?? null),
            each(rank ?? null),
            each('undecodable'),
          ],
          ...[each('["e",true,null,"a","z",null,"k",false,"valid",[],null,[]]'), each(data), each(null)],
        ],
      );
      const [last] = await values('SELECT max(last) FROM appends');
      return Number(last);
    },
  };
}

/** One of this time, in Unix milliseconds. */
export function uuidAt(time: number): string {
  const digits = time.toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-8${randomUUID().slice(15)}`;
}
