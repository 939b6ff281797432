import { notifications } from '../notifications.ts';

/** What the contenders are told. */
export interface AppendTask {
  readonly url: string;
  readonly schema: string;
  readonly items: number;
  readonly batchSize: number;
  /** Whether the parameters are binary arrays, as the journal makes them. */
  readonly isBinary?: boolean;
}

/** What intake hands over, decoded. */
export function batches({ items, batchSize }: AppendTask): ReturnType<typeof notifications>[] {
  const all = notifications(items);
  return Array.from({ length: items / batchSize }, (_, index) => all.slice(index * batchSize, (index + 1) * batchSize));
}
