import { reasonOf } from '../../common/errors.ts';
import type { OptionIssue } from '../../common/options/declare.ts';
import { unreplacedVariable, when } from '../../common/options/value-checks.ts';
import type { EnvelopeKey } from '../../notification/envelope.ts';
import type { SinkDeclaration } from '../sink.ts';
import type { Dialect } from './dialect.ts';
import { dialectOf } from './dialects.ts';
import { type DatabaseSinkOptions, databaseOptions } from './options.ts';
import { refusedKind } from './schema.ts';
import { type Column, isStandardColumn, mappedColumn, tableOf } from './table.ts';

/** What a column of the operator's may be called. */
const columnName = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

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
  rules: [urlErrors, unsupportedOptionErrors, columnErrors],
  schemaRules,
  warnings,
  paths: ({ columns }) =>
    Object.entries(columns).map(([name, source]) => ({ at: ['columns', name], path: mappedColumn(name, source).path })),
  requiredKeys: (options) => tableOf(options).columns.flatMap(requiredKey),
  limits: ({ batch, connections, url }) => ({ batch, concurrency: dialectOf(url).isLocal ? 1 : connections }),
};

/** The id is left out: there is always one. */
function requiredKey({ required, path: [key] }: Column): EnvelopeKey[] {
  return required && key !== 'id' ? [key as EnvelopeKey] : []; // our own columns are named after keys of the envelope
}

/** What is legal and surely not meant. */
function warnings(
  { statementTimeout, url }: DatabaseSinkOptions,
  { timeout }: { readonly timeout: number },
): readonly OptionIssue[] {
  const variable = unreplacedVariable(url);
  const found: OptionIssue[] = variable === undefined ? [] : [{ path: ['url'], message: variable }];
  if (statementTimeout < timeout) return found;
  const message = "isn't shorter than the route's timeout, which would always come first";
  return [...found, { path: ['statementTimeout'], message }];
}

function urlErrors({ url }: DatabaseSinkOptions): OptionIssue[] {
  try {
    dialectOf(url).checkUrl(new URL(url));
    return [];
  } catch (error) {
    return [{ path: ['url'], message: `can't be used: ${reasonOf(error)}` }];
  }
}

function unsupportedOptionErrors({ url, schema, partition }: DatabaseSinkOptions): OptionIssue[] {
  const dialect = dialectOf(url);
  const asked = { schema: schema !== undefined, partition: partition !== 'none' };
  const lacking = dialect.unsupportedOptions.filter((option) => asked[option]);
  return lacking.map((option) => ({ path: [option], message: `is something that ${dialect.name} has no notion of` }));
}

/** A table whose columns can't be named can't be judged either. */
function columnErrors(options: DatabaseSinkOptions): OptionIssue[] {
  const misnamed = columnNameErrors(options);
  if (misnamed.length > 0) return misnamed;
  return options.columnsOnly ? ownTableErrors(options) : unfitColumnErrors(options, dialectOf(options.url));
}

function columnNameErrors({ columns, columnsOnly }: DatabaseSinkOptions): OptionIssue[] {
  return Object.keys(columns).flatMap((name) => {
    const path = ['columns', name];
    if (!columnName.test(name)) {
      return [{ path, message: 'must have a name of letters, digits and _, 63 at most' }];
    }
    return !columnsOnly && isStandardColumn(name) ? [{ path, message: 'is a column of every table of ours' }] : [];
  });
}

/** Columns whose type, if the sink created them, could hold none of their values. */
function unfitColumnErrors(options: DatabaseSinkOptions, dialect: Dialect): OptionIssue[] {
  return tableOf(options).columns.flatMap((column) => {
    const type = dialect.typeOf(column);
    const kind = refusedKind(column, type, dialect);
    if (kind === undefined) return [];
    return [{ path: ['columns', column.name], message: `is made as ${type}, which can't hold ${kind}` }];
  });
}

function ownTableErrors(options: DatabaseSinkOptions): OptionIssue[] {
  const path = ['columnsOnly'];
  if (options.partition !== 'none' || options.retention > 0) {
    return [{ path, message: 'goes with neither partition nor retention: a table of your own is yours to tidy' }];
  }
  if (tableOf(options).key.length === 1) return [];
  return [{ path, message: 'needs exactly one column that holds the id, to store no notification twice' }];
}
