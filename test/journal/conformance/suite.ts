import { afterAll, afterEach, beforeAll, beforeEach, describe } from '@jest/globals';
import type { Journal } from '../../../src/journal/journal.ts';
import { appending } from './appending.ts';
import { history } from './history.ts';
import { logins } from './logins.ts';
import { operators } from './operators.ts';
import { reading } from './reading.ts';
import { sessions } from './sessions.ts';
import type { Prepared, Tested, TestStore } from './stores.ts';

/** What every journal has to pass. @param prepare what all tests share, made before the first of them */
export function conformance(prepare: () => Promise<Prepared>): void {
  let prepared: Prepared;
  let own: TestStore;
  let journal: Journal;

  beforeAll(async () => {
    prepared = await prepare();
  });

  afterAll(() => prepared.close());

  beforeEach(async () => {
    own = await prepared.make();
    journal = await own.open();
  });

  afterEach(async () => {
    await journal.close();
    await own.remove();
  });

  const tested: Tested = {
    get journal() {
      return journal;
    },
    get store() {
      return own.store;
    },
    async reopen() {
      await journal.close();
      journal = await own.open();
    },
  };
  describe('as intake has it', () => appending(tested));
  describe('as whoever reads it has it', () => reading(tested));
  describe('as it remembers', () => history(tested));
  describe('as a route has it', () => sessions(tested));
  describe('as an operator has it', () => operators(tested));
  describe('as the page has it', () => logins(tested));
}
