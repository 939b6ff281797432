import { setTimeout as delay } from 'node:timers/promises';
import { startReceiver } from './receiver.ts';

/** A receiver that knows what came when, and how often. */
export interface OrderReceiver {
  readonly url: string;
  /** How often each one came, by id. */
  readonly ids: ReadonlyMap<string, number>;
  /** The `msg_id`s of those. */
  readonly messages: ReadonlySet<string>;
  /** The ids of each account, in the order in which they came first. */
  readonly byAccount: ReadonlyMap<string, readonly string[]>;
  /** Each arrival: the daemon, as its header says, and when it came in Unix milliseconds. */
  readonly arrivals: readonly { readonly from: string; readonly at: number }[];
  /** Ids that are being answered. */
  readonly inFlight: readonly string[];
  /** The status of the next answer; what isn't answered with 200 doesn't count as received. */
  answer: () => number;
  close(): Promise<void>;
}

export async function startOrderReceiver(): Promise<OrderReceiver> {
  const ids = new Map<string, number>();
  const messages = new Set<string>();
  const byAccount = new Map<string, string[]>();
  const arrivals: { from: string; at: number }[] = [];
  const inFlight: string[] = [];
  const receiver = await startReceiver(async ({ body, headers }) => {
    arrivals.push({ from: String(headers['x-daemon']), at: Date.now() });
    const { id, account_id: account, data } = JSON.parse(body);
    inFlight.push(id);
    // As long as a receiver may take that does something.
    await delay(2);
    inFlight.splice(inFlight.indexOf(id), 1);
    const status = order.answer();
    if (status !== 200) return status;
    if (!ids.has(id)) {
      const before = byAccount.get(account) ?? [];
      before.push(id);
      byAccount.set(account, before);
    }
    ids.set(id, (ids.get(id) ?? 0) + 1);
    messages.add(data.msg_id);
    return status;
  });
  const order: OrderReceiver = {
    url: receiver.url,
    ids,
    messages,
    byAccount,
    arrivals,
    inFlight,
    answer: () => 200,
    close: () => receiver.close(),
  };
  return order;
}
