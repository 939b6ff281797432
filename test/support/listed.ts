import type { Listed } from '../../src/journal/journal.ts';

/** A line of what isn't settled; what waits is due. */
export function listed(seq: number, state: Listed['state']): Listed {
  return {
    seq,
    accountId: null,
    state,
    reason: 'some',
    attempts: [],
    dueAt: state === 'waiting' ? 0 : null,
    again: false,
  };
}
