import type { Column } from './table.ts';

/** What goes into a column in every row, or NULL, where that is certain. */
export type Form = 'an id' | 'a time' | 'a time as text' | 'a boolean' | 'a boolean as text' | 'JSON';

/**
 * The form of what a column is given; undefined where it may be anything, as what stands in a body, or any text, as the
 * name of a zone.
 */
export function formOf({ path, type }: Column): Form | undefined {
  if (path.length !== 1) return undefined;
  switch (path[0]) {
    case 'id':
      return type === 'json' ? 'JSON' : 'an id';
    case 'occurred_at':
    case 'received_at':
      if (type === 'json') return 'JSON';
      return type === 'timestamp' ? 'a time' : 'a time as text';
    case 'valid':
      return type === 'boolean' ? 'a boolean' : 'a boolean as text';
    case 'problems':
    case 'data':
      return 'JSON';
    default:
      return undefined;
  }
}
