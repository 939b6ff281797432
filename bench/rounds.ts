import type { Measurement } from './process.ts';

/** One thing that is measured, against the barest program that does the same work. */
export interface Part {
  readonly name: string;
  /** What is counted. */
  readonly items: number;
  open(): Promise<Course>;
}

/** Servers and data of a part, while it is measured. */
interface Course {
  /** The first is the one that the others are measured against. */
  readonly contenders: readonly Contender[];
  close(): Promise<void>;
}

interface Contender {
  readonly name: string;
  readonly target?: Target;
  /** Does all the work once, in a process of its own. */
  run(): Promise<Measurement>;
}

/** What a contender must reach, as shares of the first one's. */
interface Target {
  readonly rate: number;
  readonly cpu?: number;
}

export interface Result {
  readonly part: string;
  readonly items: number;
  readonly contenders: readonly ContenderResult[];
}

export interface ContenderResult {
  readonly name: string;
  readonly target: Target | undefined;
  /** Items a second. */
  readonly rate: Spread;
  /** Microseconds of CPU an item. */
  readonly cpu: Spread;
  /** Shares of the first contender's, round by round. */
  readonly rateRatio: Spread;
  readonly cpuRatio: Spread;
  /** One element a round. */
  readonly rounds: readonly Measurement[];
}

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Measures all contenders in turn, round after round, so that whatever else the machine does meets them alike. A first
 * round warms up servers and page cache, and doesn't count.
 */
export async function runPart(part: Part, rounds: number, say: (text: string) => void): Promise<Result> {
  const course = await part.open();
  try {
    const measured = course.contenders.map(({ name, target }) => ({ name, target, rounds: [] as Measurement[] }));
    for (let round = 0; round <= rounds; round += 1) {
      for (const [index, { name, run }] of course.contenders.entries()) {
        const measurement = await run();
        say(
          `${part.name} ${round === 0 ? 'warming up' : `round ${round}`}: ${name} ${inWords(measurement, part.items)}`,
        );
        if (round > 0) measured[index]?.rounds.push(measurement);
      }
    }
    const base = measured[0]?.rounds ?? [];
    const contenders = measured.map((one) => ({ ...one, ...compare(one.rounds, base, part.items) }));
    return { part: part.name, items: part.items, contenders };
  } finally {
    await course.close();
  }
}

function inWords({ seconds, cpuSeconds }: Measurement, items: number): string {
  return `${Math.round(items / seconds)} a second, ${((cpuSeconds / items) * 1e6).toFixed(1)} µs CPU each`;
}

function compare(rounds: readonly Measurement[], base: readonly Measurement[], items: number) {
  const ratios = (of: (one: Measurement, other: Measurement) => number) =>
    spread(rounds.flatMap((one, index) => base.slice(index, index + 1).map((other) => of(one, other))));
  return {
    rate: spread(rounds.map(({ seconds }) => items / seconds)),
    cpu: spread(rounds.map(({ cpuSeconds }) => (cpuSeconds / items) * 1e6)),
    rateRatio: ratios((one, other) => other.seconds / one.seconds),
    cpuRatio: ratios((one, other) => one.cpuSeconds / other.cpuSeconds),
  };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { median: (at(0.499) + at(0.501)) / 2, min: at(0), max: at(1) };
}
