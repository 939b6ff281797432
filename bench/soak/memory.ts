import type { Sample } from './watch.ts';

/** What memory did, in MiB, in the daemon that lived longest: each kill begins a new one. */
export interface MemoryJudgement {
  readonly seconds: number;
  readonly most: number;
  /** Medians of the second and the last quarter of its life. The first quarter fills caches and compiles. */
  readonly secondQuarter: number;
  readonly lastQuarter: number;
  /** True where the last isn't a tenth above the second; null where its life was too short to tell. */
  readonly flat: boolean | null;
}

/** A life that is shorter says nothing, in seconds. */
const shortest = 120;

export function judge(samples: readonly Sample[]): MemoryJudgement {
  const lives = Object.values(Object.groupBy(samples, ({ pid }) => pid ?? 0)).map((life) => life ?? []);
  const longest = lives.toSorted((one, other) => other.length - one.length)[0] ?? [];
  const sizes = longest.flatMap(({ memory }) => (memory === null ? [] : [memory]));
  const quarter = (index: number) => sizes.slice((index * sizes.length) / 4, ((index + 1) * sizes.length) / 4);
  const [secondQuarter, lastQuarter] = [median(quarter(1)), median(quarter(3))];
  const seconds = Math.round(((longest.at(-1)?.at ?? 0) - (longest[0]?.at ?? 0)) / 1_000);
  const flat = seconds < shortest ? null : lastQuarter <= secondQuarter * 1.1;
  return { seconds, most: Math.max(0, ...sizes), secondQuarter, lastQuarter, flat };
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
