import { setTimeout as delay } from 'node:timers/promises';
import type { Load } from './load.ts';
import type { Stage } from './stage.ts';

/** What can be killed. */
export const faults = ['broker', 'database', 'daemon'] as const;
export type Fault = (typeof faults)[number];

/** Something was killed, and was there again. Milliseconds since the start. */
export interface Break {
  readonly fault: Fault;
  readonly from: number;
  readonly to: number;
}

/**
 * Kills them in a random order, again and again, one every few seconds, and starts each again after a while, for as
 * many milliseconds.
 */
export async function breakAtRandom(
  chosen: readonly Fault[],
  stage: Stage,
  load: Load,
  milliseconds: number,
  say: (text: string) => void,
): Promise<Break[]> {
  const start = performance.now();
  const broken: Break[] = [];
  const next: Fault[] = [];
  for (;;) {
    const left = Math.max(0, start + milliseconds - performance.now());
    await delay(chosen.length === 0 ? left : Math.min(2_000 + Math.random() * 8_000, left));
    if (performance.now() - start >= milliseconds) return broken;
    if (next.length === 0) next.push(...chosen);
    const [fault] = next.splice(Math.floor(Math.random() * next.length), 1);
    if (fault === undefined) continue;
    const from = performance.now() - start;
    say(`${Math.round(from / 1_000)} s, ${load.confirmed.size} published: the ${fault} is killed`);
    await kills[fault](stage, load);
    broken.push({ fault, from, to: performance.now() - start });
  }
}

const kills: Readonly<Record<Fault, (stage: Stage, load: Load) => Promise<void>>> = {
  async broker({ broker, daemon }, load) {
    // What is published while our queue isn't bound, nobody keeps: it stops first.
    load.pause();
    const sessions = daemon.said('"consuming"');
    await broker.kill();
    await delay(Math.random() * 3_000);
    await broker.start();
    await daemon.says('"consuming"', sessions + 1);
    load.resume();
  },

  async database({ database }) {
    await database.kill();
    await delay(Math.random() * 5_000);
    await database.start();
  },

  async daemon(stage) {
    await stage.daemon.end('SIGKILL');
    await delay(Math.random() * 3_000);
    await stage.startDaemon();
  },
};
