import { reasonOf } from '../../errors.ts';
import { dialectOf } from './dialects.ts';
import type { DatabaseSinkOptions } from './options.ts';
import { isStandardColumn, tableOf } from './table.ts';

/** What is wrong with options of the right form; undefined where nothing is. */
export function mistakeIn(options: DatabaseSinkOptions): string | undefined {
  const { url, schema, partition, columnsOnly, columns, retention } = options;
  const dialect = dialectOf(url);
  const asked = { schema: schema !== undefined, partition: partition !== 'none' };
  const lacking = dialect.lacks.find((option) => asked[option]);
  if (lacking !== undefined) return `has the option ${lacking}, which ${dialect.name} has no notion of`;
  const misnamed = Object.keys(columns).find((name) => !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name));
  if (misnamed !== undefined)
    return `has the column ${JSON.stringify(misnamed)}: only letters, digits and _, 63 at most`;
  if (!columnsOnly) {
    const taken = Object.keys(columns).find(isStandardColumn);
    return taken === undefined ? targetMistake(url) : `has the column ${taken} twice: every table of ours has it`;
  }
  if (partition !== 'none' || retention > 0) {
    return 'has columnsOnly and also partition or retention: a table of your own is yours to tidy';
  }
  if (tableOf(options).key.length !== 1) {
    return 'has columnsOnly, so that exactly one of its columns must hold the id, to store no notification twice';
  }
  return targetMistake(url);
}

function targetMistake(url: string): string | undefined {
  try {
    dialectOf(url).checkUrl(new URL(url));
    return undefined;
  } catch (error) {
    return `has a url that can't be used: ${reasonOf(error)}`;
  }
}
