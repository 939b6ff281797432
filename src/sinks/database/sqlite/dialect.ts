import type { Dialect } from '../dialect.ts';
import { grammar } from './grammar.ts';

/** SQLite, in a file of its own. */
export const sqlite: Dialect = {
  ...grammar,
  name: 'SQLite',
  protocols: ['sqlite:'],
  lacks: ['schema', 'partition'],
  isLocal: true,
  checkUrl: (url) => void decodeURIComponent(url.pathname),
  async open(options, table) {
    const { SqliteDatabase } = await import('./database.ts');
    return new SqliteDatabase(options, table);
  },
};
