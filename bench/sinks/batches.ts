import { deliveryFrom, entryOf } from '../../test/support/notification.ts';
import { notifications } from '../notifications.ts';

/** What the contenders are told. */
export interface SinkTask {
  /** Type and options of the sink, as in a configuration. */
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly items: number;
  readonly batchSize: number;
}

/** What a route would hand over, with the envelopes made already. */
export function batches({ items, batchSize }: SinkTask): ReturnType<typeof deliveryFrom>[][] {
  const deliveries = notifications(items).map((notification, index) => {
    const { header, envelope, json, members, body, secrets, mayRepeat } = deliveryFrom(
      entryOf(notification, index + 1),
    );
    return { header, envelope, json, members, body, secrets, mayRepeat };
  });
  return Array.from({ length: items / batchSize }, (_, index) =>
    deliveries.slice(index * batchSize, (index + 1) * batchSize),
  );
}
