import { when } from '../../common/options/value-checks.ts';
import type { EnvelopeKey } from '../../notification/envelope.ts';
import type { SinkDeclaration } from '../declaration.ts';
import { dialectOf } from './dialects.ts';
import { type DatabaseSinkOptions, databaseOptions } from './options.ts';
import { type Column, tableOf } from './table.ts';
import { columnName, validationErrors, warnings } from './validate.ts';

/** What of `validationErrors` JSON Schema can say; in it, columns that every table has are not known. */
const schemaRules: readonly object[] = [
  { properties: { columns: { propertyNames: { pattern: columnName.source } } } },
  when(
    { columnsOnly: { enum: [true, 'true'] } },
    { required: ['columns'], properties: { columns: { minProperties: 1 } } },
  ),
  when({ url: { pattern: '^sqlite:' } }, { not: { required: ['schema'] } }),
  when({ url: { pattern: '^(sqlite|mysql|mariadb):' } }, { properties: { partition: { not: { const: 'month' } } } }),
];

export const databaseDeclaration: SinkDeclaration<DatabaseSinkOptions> = {
  type: 'database',
  summary: 'rows in a table of PostgreSQL, MySQL, MariaDB or SQLite',
  options: databaseOptions,
  check: validationErrors,
  schemaRules,
  warnings: warnings,
  requiredKeys: (options) => tableOf(options).columns.flatMap(requiredKey),
  limits: ({ batch, connections, url }) => ({ batch, concurrency: dialectOf(url).isLocal ? 1 : connections }),
};

/** The id is left out: there is always one. */
function requiredKey({ required, path: [key] }: Column): EnvelopeKey[] {
  return required && key !== 'id' ? [key as EnvelopeKey] : []; // our own columns are named after keys of the envelope
}
