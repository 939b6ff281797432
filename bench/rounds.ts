import type { Measurement } from './process.ts';

/** One thing that is measured: usually against the barest program that does the same work, some against a fixed bound. */
export interface Part {
  readonly name: string;
  /** What a run gives, by name. */
  readonly metrics: Readonly<Record<string, Metric>>;
  /** @param scale share of the usual amount of work, for a quick try */
  open(scale: number): Promise<Course>;
}

interface Metric {
  readonly unit: string;
  /** Digits behind the point. */
  readonly digits: number;
  /** How a contender's figure stands against the first one's, round by round; `nothing` where it stands for itself. */
  readonly against: 'ratio' | 'difference' | 'nothing';
}

/** Servers and data of a part, while it is measured. */
interface Course {
  /** The first is the one that the others are measured against. */
  readonly contenders: readonly Contender[];
  close(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  /** By metric: what must be reached, against the first contender or, where there is nothing to compare, by itself. */
  readonly targets?: Readonly<Record<string, Target>>;
  /** Does all the work once, in a process of its own. */
  run(): Promise<Figures>;
}

type Target = { readonly atLeast: number } | { readonly atMost: number };

/** What one run gave, by metric. */
export type Figures = Readonly<Record<string, number>>;

export interface Result {
  readonly part: string;
  readonly scale: number;
  readonly contenders: readonly ContenderResult[];
}

export interface ContenderResult {
  readonly name: string;
  readonly metrics: readonly MetricResult[];
  /** One element a round. */
  readonly rounds: readonly Figures[];
}

export interface MetricResult extends Metric {
  readonly name: string;
  readonly figure: Spread;
  /** Against the first contender; null for that one, and where nothing is compared. */
  readonly compared: Spread | null;
  readonly target: Target | null;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Rounds {
  readonly rounds: number;
  readonly scale: number;
  say(text: string): void;
}

/**
 * The parts of these names, where a group's name stands for all of its parts; all but the groups where none is named.
 * @throws Error where nothing has the name
 */
export function partsNamed(
  names: readonly string[],
  parts: readonly Part[],
  groups: Readonly<Record<string, readonly Part[]>>,
): readonly Part[] {
  if (names.length === 0) return parts;
  const all = [...parts, ...Object.values(groups).flat()];
  const chosen = names.flatMap((name) => {
    const found = groups[name] ?? all.filter((part) => part.name === name);
    if (found.length === 0) throw new Error(`there is no part ${name}; npm run bench -- --help lists them`);
    return found;
  });
  return [...new Set(chosen)];
}

/**
 * Measures all contenders in turn, round after round, so that whatever else the machine does meets them alike. A first
 * round warms up servers and page cache, and doesn't count.
 */
export async function runPart(part: Part, { rounds, scale, say }: Rounds): Promise<Result> {
  const course = await part.open(scale);
  try {
    const runs = course.contenders.map((): Figures[] => []);
    for (let round = 0; round <= rounds; round += 1) {
      for (const [index, { name, run }] of course.contenders.entries()) {
        const figures = await run();
        const when = round === 0 ? 'warming up' : `round ${round}`;
        say(`${part.name} ${when}: ${name} ${inWords(figures, part.metrics)}`);
        if (round > 0) runs[index]?.push(figures);
      }
    }
    const contenders = course.contenders.map(({ name, targets = {} }, index) => {
      const [own = [], base] = [runs[index], index === 0 ? undefined : runs[0]];
      const metrics = Object.entries(part.metrics).map(([metric, about]) =>
        summed(metric, about, own, base, targets[metric] ?? null),
      );
      return { name, metrics, rounds: own };
    });
    return { part: part.name, scale, contenders };
  } finally {
    await course.close();
  }
}

/** What the parts measure that do as much as they can. */
export const throughput = {
  rate: { unit: '/s', digits: 0, against: 'ratio' },
  cpu: { unit: 'µs CPU each', digits: 1, against: 'ratio' },
} as const satisfies Part['metrics'];

export function throughputOf(
  { seconds, cpuSeconds }: Measurement,
  items: number,
): Record<keyof typeof throughput, number> {
  return { rate: items / seconds, cpu: (cpuSeconds / items) * 1e6 };
}

function summed(
  name: string,
  about: Metric,
  own: readonly Figures[],
  base: readonly Figures[] | undefined,
  target: Target | null,
): MetricResult {
  const valuesOf = (rounds: readonly Figures[]) => rounds.map((figures) => figures[name] ?? Number.NaN);
  const figure = spread(valuesOf(own));
  if (base === undefined || about.against === 'nothing') return { name, ...about, figure, compared: null, target };
  const others = valuesOf(base);
  const compared = valuesOf(own).map((value, round) => {
    const other = others[round] ?? Number.NaN;
    return about.against === 'ratio' ? value / other : value - other;
  });
  return { name, ...about, figure, compared: spread(compared), target };
}

function inWords(figures: Figures, metrics: Part['metrics']): string {
  return Object.entries(metrics)
    .map(([name, { unit, digits }]) => `${(figures[name] ?? Number.NaN).toFixed(digits)} ${unit}`)
    .join(', ');
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { median: (at(0.499) + at(0.501)) / 2, min: at(0), max: at(1) };
}
