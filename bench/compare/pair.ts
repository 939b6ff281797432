import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../src/common/async/deadlines.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { stopwatch } from '../process.ts';
import type { Build } from './builds.ts';
import { type record, startReplayer } from './replayer.ts';

/** What is done with each notification. */
export const works = ['appends', 'deliveries'] as const;
type Work = (typeof works)[number];
export type PerWork<Value> = Readonly<Record<Work, Value>>;

export function forEachWork<Value>(make: (work: Work) => Value): PerWork<Value> {
  return { appends: make('appends'), deliveries: make('deliveries') };
}

export interface PairOptions {
  readonly recording: ReturnType<typeof record>;
  /** Notifications of the recording that only warm up, and those after them that count. */
  readonly warmUp: number;
  readonly items: number;
  readonly routes: number;
  /** For configurations and journals. */
  readonly folder: string;
  /** Ends the daemons, and what is measured of them with an error. */
  readonly signal: AbortSignal;
}

/**
 * Runs two daemons at the same time, each of which does the same: takes notifications into its journal, while its routes
 * wait for a reader of stdout; and then delivers them out of the journal, while nothing comes in. Each step begins when
 * both are idle, so that nothing of another one is measured with it.
 *
 * They share a core: it turns from one to the other every few milliseconds, so that caches and whatever else runs on the
 * machine meet both alike. With a core each, what one core has to do beside would be noise.
 * @param core by number; undefined leaves them to Linux
 * @returns the seconds of CPU that each took
 */
export async function runPair(
  builds: readonly [Build, Build],
  core: number | undefined,
  options: PairOptions,
): Promise<readonly [PerWork<number>, PerWork<number>]> {
  const first = await openRun(builds[0].program, core, options);
  const second = await openRun(builds[1].program, core, options).catch(async (error) => {
    await first.close();
    throw error;
  });
  const both = <T>(step: (run: Run) => Promise<T>) => Promise.all([step(first), step(second)]);
  try {
    await both((run) => run.warmUp());
    await both((run) => run.idle());
    const appends = await both((run) => run.append());
    await both((run) => run.idle());
    const deliveries = await both((run) => run.deliver());
    return [
      { appends: appends[0], deliveries: deliveries[0] },
      { appends: appends[1], deliveries: deliveries[1] },
    ];
  } finally {
    await both((run) => run.close());
  }
}

interface Run {
  warmUp(): Promise<void>;
  /** Resolves when all that it did before is over, to the last commit and collection. */
  idle(): Promise<void>;
  /** Takes what counts, and returns the seconds of CPU that it took. */
  append(): Promise<number>;
  /** The same for delivering it. */
  deliver(): Promise<number>;
  close(): Promise<void>;
}

/** Whatever it is: another build may find invalid or unknown what this one finds good, and each must make a line. */
const allToStdout = {
  start: 'earliest',
  invalid: 'deliver',
  unknown: 'deliver',
  resends: 'deliver',
  previews: 'deliver',
  sink: { type: 'log' },
};

const settings = {
  // Each commit has a whole batch, however late the next messages come on a busy machine.
  intake: { batch: { linger: '1s' } },
  http: { listen: 'off' },
};

async function openRun(program: string, core: number | undefined, options: PairOptions): Promise<Run> {
  const { recording, warmUp, items, routes, signal } = options;
  signal.throwIfAborted();
  const folder = mkdtempSync(join(options.folder, 'daemon-'));
  const replayer = await startReplayer(recording);
  const names = Array.from({ length: routes }, (_, index) => `log${index}`);
  const daemon = startDaemon(
    { folder, urls: [replayer.url], routes: Object.fromEntries(names.map((name) => [name, allToStdout])), settings },
    { program, stdout: 'pipe', ...(core !== undefined && { launcher: ['taskset', '-c', String(core)] }) },
  );
  const lines = new Lines(daemon);
  const kill = () => daemon.process.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  // What waits for a daemon fails where that ends, or hangs.
  const work = (doing: () => Promise<void>) =>
    within(longestStep, `the daemon of ${program}`, Promise.race([doing(), daemon.ended]));
  return {
    async warmUp() {
      await daemon.says('"consuming"');
      await work(async () => void (await Promise.all([replayer.replay(warmUp), lines.read(warmUp * routes)])));
    },
    idle: () => work(() => idle(daemon)),
    append: () => cpuOf(daemon, () => work(() => replayer.replay(items))),
    deliver: () => cpuOf(daemon, () => work(() => lines.read(items * routes))),
    async close() {
      signal.removeEventListener('abort', kill);
      // At once: a stop would deliver and save what nobody looks at any more.
      await daemon.end('SIGKILL');
      replayer.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function cpuOf(daemon: Daemon, work: () => Promise<void>): Promise<number> {
  const stop = stopwatch(daemon.process);
  await work();
  return stop().cpuSeconds;
}

/** Milliseconds: many times what a step takes beside other work. */
const longestStep = 300_000;

/** For so long a daemon does next to nothing, before it counts as idle: milliseconds, and seconds of CPU. */
const idleFor = 200;
const nextToNothing = 0.003;

async function idle(daemon: Daemon): Promise<void> {
  for (let taken = Number.POSITIVE_INFINITY; taken > nextToNothing; ) {
    const stop = stopwatch(daemon.process);
    await delay(idleFor);
    taken = stop().cpuSeconds;
  }
}

/** The lines that a daemon writes to stdout, which are read only while somebody wants them: until then its routes wait. */
class Lines {
  readonly #daemon: Daemon;
  #missing = 0;
  #done = Promise.withResolvers<void>();

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
    const { stdout } = daemon.process;
    stdout?.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) this.#missing -= 1;
      if (this.#missing > 0) return;
      stdout.pause();
      this.#done.resolve();
    });
    stdout?.pause();
  }

  async read(count: number): Promise<void> {
    this.#missing += count;
    this.#done = Promise.withResolvers();
    if (this.#missing <= 0) return;
    this.#daemon.process.stdout?.resume();
    await this.#done.promise;
  }
}
