import type { DeliveredRecord, Recorded } from '../../src/journal/route-session.ts';

/** A line of what isn't settled; what waits is due. */
export function recorded(seq: number, state: Recorded['state']): Recorded {
  return {
    seq,
    event: 'low_balance',
    accountId: null,
    state,
    reason: 'some',
    attempts: [],
    dueAt: state === 'waiting' ? 0 : null,
    exists: false,
  };
}

/** The record of an entry that nobody has begun anew, and is delivered. */
export function untouched(seq: number): DeliveredRecord {
  return { seq, restartedAt: 0, event: 'low_balance', code: null, attempts: 1 };
}
