import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { postgresServers } from '../../src/common/net/postgres-url.ts';
import { append } from '../../src/journal/postgres/append.ts';
import { type Database, Lane } from '../../src/journal/postgres/connection.ts';
import { migrate } from '../../src/journal/postgres/migrate.ts';
import { Primary } from '../../src/journal/postgres/primary.ts';
import { notification } from './notification.ts';

/** The tables of a shared journal, without any daemon. */
export interface Tables extends Database {
  readonly schema: string;
  /** Appends valid notifications that came at these times, in one batch; returns the place of the last new one, or 0. */
  append(times: readonly number[], parts?: RowParts): Promise<number>;
  /** The first column of each row. */
  values(text: string, values?: readonly unknown[]): Promise<unknown[]>;
}

interface RowParts {
  /** Null is valid. */
  readonly rank?: 0 | 1 | 2;
  readonly event?: string;
  readonly ids?: readonly string[];
  /** Whether they are known as occurrences, by which resends are told. */
  readonly isResent?: boolean;
  readonly json?: string;
}

/** Makes them in a schema of their own. */
export async function makeTables(
  url: string,
  log = pino({ level: 'silent' }),
  schema = `journal_${randomUUID().slice(0, 8)}`,
): Promise<Tables> {
  const lane = new Lane(new Primary(postgresServers(url), schema, log), {
    size: 4,
    within: 60_000,
    idleTimeout: 60_000,
  });
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
    async append(times, { rank, event = 'e', ids, isResent = false, json = '{}' } = {}) {
      const states = ['undecodable', 'invalid', 'invalid'] as const;
      const batch = times.map((time, index) =>
        notification({
          ...{
            id: ids?.[index] ?? uuidAt(time),
            receivedAt: time,
            occurredAt: time,
            event,
            json,
            accountId: 'a',
            known: rank !== 1,
          },
          ...{ state: rank === undefined ? 'valid' : states[rank], ownTime: isResent ? time : null },
        }),
      );
      const { fresh } = await append(lane, 1, batch);
      return fresh.at(-1)?.seq ?? 0;
    },
  };
}

/** One of this time, in Unix milliseconds. */
export function uuidAt(time: number): string {
  const digits = time.toString(16).padStart(12, '0');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-8${randomUUID().slice(15)}`;
}
