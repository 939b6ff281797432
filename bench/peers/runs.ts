import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectPublisher, type Message, type Publisher } from '../../src/cli/support/publisher.ts';
import { until } from '../../test/support/until.ts';
import { memoryOf, stopwatch } from '../process.ts';
import { fill, queue } from '../queue.ts';
import { type Figures, throughputOf } from '../rounds.ts';
import type { Receiver } from '../webhook/start-receiver.ts';
import { type Lines, openLines, openTally, type Tally } from './lines.ts';
import { type Program, type RunningProgram, startProgram, type Work } from './program.ts';

/** What all programs of a part find alike. */
export interface Stage {
  readonly folder: string;
  /** Of the broker. */
  readonly url: string;
  readonly schemas: Work['schemas'];
  /** They wait in the queue before a program is started. */
  readonly published: readonly Message[];
}

/** From the moment when it consumes until each is a line of the file. */
export async function toFile(program: Program, stage: Stage): Promise<Figures> {
  let lines = 0;
  return onStage(stage, null, async (work, publisher) => {
    const file = openLines(work.file, () => {
      lines += 1;
    });
    try {
      return await measured(program, work, stage, publisher, () => {
        file.read();
        return lines >= stage.published.length;
      });
    } finally {
      file.close();
    }
  });
}

/** From the moment when it consumes until each was posted. */
export async function toWebhook(program: Program, stage: Stage, receiver: Receiver): Promise<Figures> {
  const before = await receiver.received();
  return onStage(stage, receiver.url, (work, publisher) =>
    measured(program, { ...work, file: null }, stage, publisher, async () => {
      return (await receiver.received()) - before >= stage.published.length;
    }),
  );
}

/** Killed when that share of the lines is there, and started again; at last when no more of them come. */
const kills = [0.2, 0.5, 0.8, Number.POSITIVE_INFINITY];

export async function throughKills(program: Program, stage: Stage): Promise<Figures> {
  return counted(program, stage, null, kills);
}

/** @param webhook a URL that nobody answers at */
export async function besideDeadWebhook(program: Program, stage: Stage, webhook: string): Promise<Figures> {
  return counted(program, stage, webhook, [1]);
}

/** What is in the file after it was started and killed as often. */
async function counted(
  program: Program,
  stage: Stage,
  webhook: string | null,
  shares: readonly number[],
): Promise<Figures> {
  const items = stage.published.length;
  return onStage(stage, webhook, async (work) => {
    const tally = openTally();
    const lines = openLines(work.file, tally.add);
    try {
      for (const share of shares) {
        const running = startProgram(program, work);
        try {
          await growing(lines, tally, running, share * items);
        } finally {
          await running.end('SIGKILL');
        }
      }
    } finally {
      lines.close();
    }
    const { distinct, again, broken } = tally;
    return { delivered: distinct, missing: items - distinct, again, broken };
  });
}

/** Milliseconds without a new line, after which none is waited for. */
const still = 5_000;

/** Until so many different ones are in the file, or it grows no more. */
async function growing(lines: Lines, tally: Tally, running: RunningProgram, wanted: number): Promise<void> {
  const counts = () => tally.distinct + tally.again + tally.broken;
  let [last, since] = [counts(), performance.now()];
  for (;;) {
    running.mustRun();
    lines.read();
    if (tally.distinct >= wanted) return;
    if (counts() > last) [last, since] = [counts(), performance.now()];
    else if (performance.now() - since > still) return;
    await delay(5);
  }
}

/** Milliseconds after the last line, for what a program does then: to acknowledge, to note how far it is. */
const settling = 1_000;

async function measured(
  program: Program,
  work: Work,
  { published }: Stage,
  publisher: Publisher,
  done: () => boolean | Promise<boolean>,
): Promise<Figures> {
  const running = startProgram(program, work);
  const runs = async (condition: () => boolean | Promise<boolean>) => {
    running.mustRun();
    return await condition();
  };
  try {
    const consumes = { what: `${program.name} to consume`, interval: 5 };
    await until(() => runs(() => publisher.hasConsumer(queue.name)), consumes);
    const stop = stopwatch(running.process);
    await until(() => runs(done), { what: `${program.name} to deliver all`, interval: 20, timeout: 600_000 });
    const { seconds } = stop();
    await delay(settling);
    const { cpuSeconds } = stop();
    const memory = memoryOf(running.process)?.peak ?? Number.NaN;
    return { ...throughputOf({ seconds, cpuSeconds }, published.length), memory };
  } finally {
    await running.end('SIGTERM');
  }
}

/** Fills the queue, and leaves nothing behind: neither files, nor what a program was given and hasn't acknowledged. */
async function onStage(
  { folder, url, schemas, published }: Stage,
  webhook: string | null,
  act: (work: Work & { readonly file: string }, publisher: Publisher) => Promise<Figures>,
): Promise<Figures> {
  const home = mkdtempSync(join(folder, 'run-'));
  await fill(url, published);
  const publisher = await connectPublisher(url);
  try {
    return await act({ folder: home, url, schemas, file: join(home, 'out.ndjson'), webhook }, publisher);
  } finally {
    await until(async () => !(await publisher.hasConsumer(queue.name)), { what: 'the broker to see its end' });
    await publisher.close();
    rmSync(home, { recursive: true, force: true });
  }
}
