import type { MetricResult, Result, Spread } from './rounds.ts';

/** Where a figure stands that has a target. */
export interface Verdict {
  readonly reached: boolean;
  /** How many times better than it must be; below 1 it is short of it. */
  readonly margin: Spread;
}

/** Judged by the median. Null where there is no target. */
export function verdictOf({ figure, compared, target }: MetricResult): Verdict | null {
  if (target === null) return null;
  const { median, min, max } = compared ?? figure;
  if ('atLeast' in target) {
    const margin = (value: number) => value / target.atLeast;
    return {
      reached: median >= target.atLeast,
      margin: { median: margin(median), min: margin(min), max: margin(max) },
    };
  }
  // What is nothing, or less than nothing, is as much better than a bound as can be.
  const margin = (value: number) => (value <= 0 ? Number.POSITIVE_INFINITY : target.atMost / value);
  return { reached: median <= target.atMost, margin: { median: margin(median), min: margin(max), max: margin(min) } };
}

/** What is short of its target, by part and contender. */
export function missedIn(results: readonly Result[]): string[] {
  return results.flatMap(({ part, contenders }) =>
    contenders
      .filter(({ metrics }) => metrics.some((metric) => verdictOf(metric)?.reached === false))
      .map(({ name }) => `${part}: ${name}`),
  );
}

/** What was measured: `22962 (22814–23188) /s`. */
export function measuredInWords({ figure, digits, unit }: MetricResult): string {
  return `${inSpread(figure, digits)} ${unit}`;
}

/** How that is against the first contender: `0.41 (0.38–0.42) ×`, `+1.2 (+0.9–+1.4) ms`; empty where it isn't compared. */
export function comparedInWords({ compared, against, digits, unit }: MetricResult): string {
  if (compared === null) return '';
  return against === 'ratio' ? `${inSpread(compared, 2)} ×` : `${inSpread(compared, digits, true)} ${unit}`;
}

/** `≥ 0.80 ×`, `≤ +5 ms`; empty where there is none. */
export function targetInWords({ target, unit, against, compared }: MetricResult): string {
  if (target === null) return '';
  const [sign, value] = 'atLeast' in target ? ['≥', target.atLeast] : ['≤', target.atMost];
  if (compared === null) return `${sign} ${value} ${unit}`;
  return against === 'ratio' ? `${sign} ${value.toFixed(2)} ×` : `${sign} +${value} ${unit}`;
}

/** `0.41 (0.38–0.42)`, with a sign where it is a difference. */
function inSpread({ median, min, max }: Spread, digits: number, sign = false): string {
  const text = (value: number) => `${sign && value >= 0 ? '+' : ''}${value.toFixed(digits).replace('-', '−')}`;
  return `${text(median)} (${text(min)}–${text(max)})`;
}
