import { setImmediate as immediate } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { hostileTexts } from '../../support/hostile-texts.ts';
import type { Ending } from './contract.ts';
import { again, bodyOf, deliveries, type Stage } from './stage.ts';

/** One thing that can befall a sink, and what holds of every sink then. */
type Case = (stage: Stage, ending: Ending) => Promise<void>;

/** By the names that the documentation has. */
export const cases = {
  'down at the start': (stage, ending) => isAway(stage, ending, { isOnce: true }),
  'gone in the middle of a batch': isAway,
  restarted: async (stage) => {
    const before = deliveries(3);
    await stage.deliverAll(before);
    await stage.make(before);
    const after = deliveries(3);
    // The connection that was there may be found to be gone with the first of them.
    expect(await stage.deliverAll(after)).toBeLessThanOrEqual(1);
    await stage.expectHeld([...before, ...after]);
  },
  slow: async (stage, ending) => {
    await stage.open();
    const batch = deliveries(many);
    const { met, undo } = await stage.make(batch);
    const waiting = stage.deliver(batch);
    await met?.();
    await undo();
    expect(await waiting).toMatchObject({ ending });
    await stage.expectHeld(batch, { isOnce: true });
  },
  'half open': (stage, ending) => isGivenUp(stage, ending, { isSilent: true }),
  'reset, then silent': (stage, ending) => isGivenUp(stage, ending, { isSilent: true }),
  'an answer after the deadline': isGivenUp,
  'one refused of many': async (stage, ending) => {
    const batch = deliveries(9, { 4: { event: 'refused' } });
    await stage.make(batch);
    const { outcomes } = await stage.deliver(batch);
    expect(outcomes.map(({ status }) => status)).toEqual(batch.map((_, at) => (at === 4 ? ending : 'delivered')));
    // Those that were tried with it may be there twice.
    await stage.expectHeld(batch.filter((_, at) => at !== 4));
  },
  'credentials expired': async (stage, ending) => {
    await stage.open();
    await isAway(stage, ending, { isOnce: true });
  },
  'a wrong name in TLS': async (stage, ending) => {
    const batch = deliveries(3);
    await stage.make(batch);
    expect(await stage.deliver(batch)).toMatchObject({ ending });
    await stage.expectHeld([]);
  },
  'the same batch after a crash': async (stage, ending) => {
    const batch = deliveries(9);
    await stage.deliverAll(batch);
    await stage.reopen();
    expect(await stage.deliver(batch.map(again))).toMatchObject({ ending });
    await stage.expectHeld(batch);
  },
  'closed while busy': async (stage) => {
    const batches = [];
    const delivered = [];
    // Wherever it is with the batch by then.
    for (const turns of [0, 1, 4, 16, 64]) {
      const batch = deliveries(many);
      await stage.open();
      const busy = stage.deliver(batch);
      for (let turn = 0; turn < turns; turn += 1) await immediate();
      await stage.close();
      const { outcomes } = await busy;
      batches.push(...batch);
      delivered.push(...batch.filter((_, at) => outcomes[at]?.status === 'delivered'));
    }
    await stage.expectHeld(delivered, { others: batches });
  },
  '0 deliveries': async (stage) => {
    expect(await stage.deliver([])).toMatchObject({ outcomes: [] });
  },
  '10,000 deliveries': async (stage, ending) => {
    const batch = deliveries(10_000);
    for (const { ending: one } of await stage.deliverAtOnce(batch)) expect(one).toBe(ending);
    await stage.expectHeld(batch, { isOnce: true });
  },
  'a body of 1 MB': async (stage, ending) => {
    const batch = deliveries(3, { 1: bodyOf({ text: 'ü"\\'.repeat(250_000) }) });
    expect(await stage.deliver(batch)).toMatchObject({ ending });
    await stage.expectHeld(batch, { isOnce: true });
  },
  'hostile texts': async (stage, ending) => {
    const batch = hostileTexts.flatMap((text) => [
      ...deliveries(6, {
        0: { event: text },
        1: { category: text },
        2: { accountId: text },
        3: { zone: text },
        4: { node: text },
        5: { routingKey: text },
      }),
      ...deliveries(2, { 0: bodyOf({ [text]: text }), 1: bodyOf({ list: [text, { [text]: 1 }] }) }),
    ]);
    const { outcomes } = await stage.deliver(batch);
    // One that a place can't hold is dead by itself.
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['delivered', ending]));
    await stage.expectHeld(batch.filter((_, at) => outcomes[at]?.status === 'delivered'));
  },
} as const satisfies Readonly<Record<string, Case>>;

export type CaseName = keyof typeof cases;

/** As many as no buffer on the way has room for. */
const many = 300;

/** The place can't take anything, says so or is not there; and then it can. */
async function isAway(stage: Stage, ending: Ending, { isOnce = false } = {}): Promise<void> {
  const batch = deliveries(9);
  const { undo } = await stage.make(batch);
  expect(await stage.deliver(batch)).toMatchObject({ ending });
  await undo();
  await stage.deliverAll(batch.map(again));
  await stage.expectHeld(batch, { isOnce });
}

/** The place doesn't answer until the attempt is over. */
async function isGivenUp(stage: Stage, ending: Ending, { isSilent = false } = {}): Promise<void> {
  await stage.open();
  const batch = deliveries(many);
  const { met, undo } = await stage.make(batch);
  const attempt = new AbortController();
  const waiting = stage.deliver(batch, attempt.signal);
  await Promise.race([met?.(), waiting]);
  attempt.abort(new Error('the attempt is over'));
  expect(await waiting).toMatchObject({ ending });
  if (isSilent) {
    // Nor does a sink that is closed wait for a word.
    const busy = stage.deliver(batch.map(again));
    await stage.close();
    expect(await busy).not.toMatchObject({ ending: 'delivered' });
  }
  await undo();
  await stage.deliverAll(batch.map(again));
  await stage.expectHeld(batch);
}
