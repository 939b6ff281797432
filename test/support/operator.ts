import type { OperatorAct, OperatorStore } from '../../src/journal/operator-store.ts';

/** A store with all that an operator may do by it, as one act. */
export type Operating = OperatorStore & OperatorAct;

const tester = { who: 'tester', from: 'here' };

export function operating(store: OperatorStore): Operating {
  return { ...store, ...store.act(tester, {}) };
}
