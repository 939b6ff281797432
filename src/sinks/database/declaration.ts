import type { EnvelopeKey } from '../../notification/envelope.ts';
import type { SinkDeclaration } from '../declaration.ts';
import { dialectOf } from './dialects.ts';
import { doubtsAbout, mistakesIn, relations } from './mistakes.ts';
import { type DatabaseSinkOptions, databaseOptions } from './options.ts';
import { type Column, tableOf } from './table.ts';

export const databaseDeclaration: SinkDeclaration<DatabaseSinkOptions> = {
  type: 'database',
  summary: 'rows in a table of PostgreSQL, MySQL, MariaDB or SQLite',
  options: databaseOptions,
  check: mistakesIn,
  relations,
  doubts: doubtsAbout,
  needs: (options) => tableOf(options).columns.flatMap(requiredKey),
  flow: ({ batch, connections, url }) => ({ batch, concurrency: dialectOf(url).isLocal ? 1 : connections }),
};

/** The id is left out: there is always one. */
function requiredKey({ required, path: [key] }: Column): EnvelopeKey[] {
  return required && key !== 'id' ? [key as EnvelopeKey] : []; // our own columns are named after keys of the envelope
}
