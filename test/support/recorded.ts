import type { Recorded } from '../../src/journal/route-session.ts';

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
