import type { Dialect } from '../dialect.ts';
import { serverOf } from '../server.ts';
import { grammar } from './grammar.ts';

const defaultPort = 5432;

/** PostgreSQL. Its library is loaded only where it is opened. */
export const postgres: Dialect = {
  ...grammar,
  name: 'PostgreSQL',
  protocols: ['postgres:', 'postgresql:'],
  lacks: [],
  isLocal: false,
  checkUrl: (url) => void serverOf(url, defaultPort),
  async open(options, table, log) {
    const { PostgresDatabase } = await import('./database.ts');
    return new PostgresDatabase(options, serverOf(new URL(options.url), defaultPort), table, log);
  },
};
