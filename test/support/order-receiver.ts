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
  /** How long an answer takes, in milliseconds. */
  pause: number;
  /** Answers nothing any more, until `release`. */
  hold(): void;
  release(): void;
  close(): Promise<void>;
}

export async function startOrderReceiver(): Promise<OrderReceiver> {
  const ids = new Map<string, number>();
  const messages = new Set<string>();
  const byAccount = new Map<string, string[]>();
  const arrivals: { from: string; at: number }[] = [];
  const inFlight: string[] = [];
  let holding: PromiseWithResolvers<void> | undefined;
  const state = { pause: 2 };
  const receiver = await startReceiver(async ({ body, headers }) => {
    arrivals.push({ from: String(headers['x-daemon']), at: Date.now() });
    const { id, account_id: account, data } = JSON.parse(body);
    if (!ids.has(id)) {
      const before = byAccount.get(account) ?? [];
      before.push(id);
      byAccount.set(account, before);
    }
    ids.set(id, (ids.get(id) ?? 0) + 1);
    messages.add(data.msg_id);
    inFlight.push(id);
    await holding?.promise;
    await delay(state.pause);
    inFlight.splice(inFlight.indexOf(id), 1);
    return 200;
  });
  return {
    url: receiver.url,
    ids,
    messages,
    byAccount,
    arrivals,
    inFlight,
    get pause() {
      return state.pause;
    },
    set pause(pause) {
      state.pause = pause;
    },
    hold() {
      holding ??= Promise.withResolvers();
    },
    release() {
      holding?.resolve();
      holding = undefined;
    },
    close: () => receiver.close(),
  };
}
