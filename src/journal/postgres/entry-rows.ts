import type { Entry } from '../../notification/entry.ts';
import { entryIn } from '../entry-head.ts';

/** The columns of an entry, as `entryOf` takes them. */
export const entryColumns = 'seq, id, occurred_at, received_at, resend_of, head, data';

export interface EntryColumns {
  readonly seq: number;
  readonly id: string;
  readonly occurred_at: number;
  readonly received_at: number;
  readonly resend_of: string | null;
  readonly head: string;
  readonly data: string;
}

/** @throws SyntaxError where its head was overwritten */
export function entryOf({ seq, id, occurred_at, received_at, resend_of, head, data }: EntryColumns): Entry {
  return entryIn([seq, id, occurred_at, received_at, head, data], resend_of);
}
