import type { Recorded, RecordKey } from '../../src/journal/route-session.ts';

/** A line of what isn't settled; what waits is due. */
export function recorded(seq: number, state: Recorded['state']): Recorded {
  return {
    seq,
    accountId: null,
    state,
    reason: 'some',
    attempts: [],
    dueAt: state === 'waiting' ? 0 : null,
    exists: false,
  };
}

/** The record of an entry that nobody has begun anew. */
export function untouched(seq: number): RecordKey {
  return { seq, restartedAt: 0 };
}
