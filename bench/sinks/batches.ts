import { deliveryFrom, entryOf } from '../../test/support/notification.ts';
import { notifications } from '../notifications.ts';

/** What the contenders are told. */
export interface PostgresqlTask {
  readonly url: string;
  readonly items: number;
  readonly batchSize: number;
  /** Whether the parameters are made before the clock runs. */
  readonly prepared?: true;
}

/** What a route would hand over, with the envelopes made already. */
export function batches({ items, batchSize }: PostgresqlTask): ReturnType<typeof deliveryFrom>[][] {
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
