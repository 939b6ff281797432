import { describe, expect, test } from '@jest/globals';
import { KeyedQueue } from '../../src/delivery/keyed-queue.ts';
import { type DeliveryState, PendingDelivery } from '../../src/delivery/pending-delivery.ts';
import { behind } from '../../src/delivery/queue.ts';
import { entry } from '../support/notification.ts';

describe('the queue of an account', () => {
  test('leaves the postponed one to its time when one before it was made due and is settled', () => {
    const queues = new KeyedQueue(new Map());
    const [replayed, postponed, behind] = [pending(5, true), pending(10, false), pending(11, false)];
    queues.add(postponed);
    take(queues);
    queues.add(behind);
    expect(end(queues, postponed, 'waiting')).toEqual([behind]);
    expect(queues.add(replayed)).toBeUndefined();
    expect(take(queues)).toEqual([replayed]);
    end(queues, replayed, 'settled');
    expect(queues.needsRefill()).toEqual(['a']);
    expect(queues.refill('a', [pending(6, true), pending(10, true), pending(11, true)])).toMatchObject([
      { entry: { seq: 6 } },
    ]);
    end(queues, take(queues)[0] ?? replayed, 'settled');
    expect(queues.refill('a', [pending(10, true), pending(11, true)])).toEqual([]);
    expect(queues.ready).toBe(0);
    // Its time has come.
    expect(queues.add(pending(10, true))).toBeUndefined();
    expect(queues.ready).toBe(1);
  });

  test('goes on to the postponed one whose time came while one before it was on its way', () => {
    const queues = new KeyedQueue(new Map([['a', 10]]));
    const [retried, postponed] = [pending(5, true), pending(10, true)];
    queues.add(retried);
    take(queues);
    expect(queues.add(postponed)).toEqual(behind);
    end(queues, retried, 'settled');
    expect(queues.needsRefill()).toEqual(['a']);
    expect(queues.refill('a', [postponed])).toEqual([postponed]);
    expect(take(queues)).toEqual([postponed]);
  });
});

describe('what is put back to go out last', () => {
  test.each(['a', null])('lets all others go before it, those of accounts too, where its own is %j', (accountId) => {
    const queues = new KeyedQueue(new Map());
    const suspect = pending(1, false, accountId);
    const others = [pending(2, false, 'b'), pending(3, false, null), pending(4, false, 'c')];
    queues.add(suspect);
    take(queues);
    for (const other of others) queues.add(other);
    suspect.state = 'pending';
    queues.putBack([suspect], 'last');
    const order = Array.from({ length: 4 }, () => take(queues)[0]);
    expect(new Set(order.slice(0, 3))).toEqual(new Set(others));
    expect(order[3]).toBe(suspect);
    expect(queues.ready).toBe(0);
  });
});

/** As the ledger does it. */
function take(queues: KeyedQueue): PendingDelivery[] {
  const taken = queues.take(1);
  for (const delivery of taken) delivery.state = 'attempting';
  return taken;
}

function end(queues: KeyedQueue, delivery: PendingDelivery, state: DeliveryState): PendingDelivery[] {
  delivery.state = state;
  return queues.release(delivery);
}

function pending(seq: number, listed: boolean, accountId: string | null = 'a'): PendingDelivery {
  return new PendingDelivery(entry({ seq, accountId }), [], listed, false);
}
