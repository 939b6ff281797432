import { databaseSink } from '../../../src/sinks/database/sink.ts';
import { openDatabaseSink } from '../../support/database.ts';
import type { ContractedSink, Place } from './contract.ts';
import { behindNetwork } from './network.ts';

/** What servers of databases have in common: a row has an id once. */
export const onServer: Omit<ContractedSink, 'name'> = {
  repeats: 'once',
  cases: {
    'down at the start': 'unavailable',
    'gone in the middle of a batch': 'unavailable',
    restarted: 'delivered',
    slow: 'delivered',
    'half open': 'unavailable',
    'reset, then silent': 'unavailable',
    'an answer after the deadline': 'unavailable',
    'one refused of many': 'dead',
    'credentials expired': 'unavailable',
    'a wrong name in TLS': 'unavailable',
    'the same batch after a crash': 'delivered',
    'closed while busy': 'delivered',
    '0 deliveries': 'delivered',
    '10,000 deliveries': 'delivered',
    'a body of 1 MB': 'delivered',
    'hostile texts': 'delivered',
  },
};

/** A server as its test file has started it, with TLS for the host localhost. */
interface Server {
  /** Of its superuser. */
  readonly url: string;
  readonly folder: string;
  query(sql: string): Promise<Record<string, unknown>[]>;
}

/** What the servers are told in different words. */
export interface ServerWords {
  /** Makes a user of that name and password who may do all that the sink does. */
  readonly user: (name: string, password: string) => string;
  /** Gives the user another password, and ends what he has open. */
  readonly expire: (name: string, password: string) => string;
  /** Has rows of this event refused, by a trigger. */
  readonly trigger: (table: string, event: string) => string;
}

/** A table that the sink makes, on a server of a test file. */
export async function tablePlace({ url, folder, query }: Server, words: ServerWords): Promise<Place> {
  const table = 'contract';
  await query(words.user(table, 'gehei/m'));
  return behindNetwork(Number(new URL(url).port), async (port) => {
    const through = new URL(url);
    Object.assign(through, { port, username: table, password: 'gehei%2Fm' });
    const options = { url: `${through}?sslmode=disable`, table, statementTimeout: '1m' };
    await (await openDatabaseSink(options)).close();
    return {
      kind: databaseSink,
      options,
      // What a trigger says may quote the row.
      secrets: ['gehei/m', 'gehei%2Fm', 'we want none of these'],
      held: async () => (await query(`SELECT id FROM ${table}`)).map(({ id }) => String(id)),
      faults: {
        'one refused of many': async () => {
          await query(words.trigger(table, 'refused'));
          return { undo: () => undefined };
        },
        'credentials expired': async () => {
          await query(words.expire(table, 'another'));
          return { undo: async () => void (await query(words.expire(table, 'gehei/m'))) };
        },
        'a wrong name in TLS': () => {
          // Another name of the same address, for MySQL's library: it takes no address for one.
          const named = String(through).replace('@127.0.0.1', '@127.1');
          const url = `${named}?sslmode=verify-full&sslrootcert=${folder}/certificate`;
          return { options: { ...options, url }, undo: () => undefined };
        },
      },
    };
  });
}
