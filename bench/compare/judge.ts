import { type Spread, spread } from '../rounds.ts';

/** How the new build stands against the old one. */
export interface Judgement {
  readonly is: 'slower' | 'no slower' | 'faster';
  /** What the same build makes of itself: the end of its interval that is farther from 1. */
  readonly noise: number;
  /** True where the smallest change that the bench is for would go unnoticed. */
  readonly isBlind: boolean;
}

/** Of five values the true median is beyond the lowest or the highest one in 6 % of all cases. */
export const fewestRounds = 6;

/** The change that must be told from noise. */
const smallestChange = 0.03;

/**
 * @param ratio of the new build's CPU to the old one's
 * @param control of the old one's to its own, measured the same way
 * @param threshold how much more is let pass beyond noise: 0.01 is 1 %
 */
export function judge(ratio: Spread, control: Spread, threshold: number): Judgement {
  const noise = Math.max(control.max - 1, 1 - control.min);
  const change = ratio.median - 1;
  const bar = noise + threshold;
  return {
    is: change > bar ? 'slower' : change < -bar ? 'faster' : 'no slower',
    noise,
    isBlind: bar >= smallestChange,
  };
}

/**
 * The median, with an interval in which the true one lies with 95 % at least, whatever the values' distribution: between
 * the k-th lowest and the k-th highest value.
 * @param values `fewestRounds` at least
 */
export function medianOf(values: readonly number[]): Spread {
  const left = outsideOf(values.length);
  const sorted = values.toSorted((one, other) => one - other);
  return spread(sorted.slice(left, sorted.length - left));
}

/**
 * How many values may be left out at each end. Each value is below the true median as a coin falls, so what is left
 * misses it where one side of the coin comes up no more often than that.
 */
function outsideOf(count: number): number {
  let chance = 0.5 ** count;
  let missed = 2 * chance;
  let outside = 0;
  for (;;) {
    chance *= (count - outside) / (outside + 1);
    missed += 2 * chance;
    if (missed > 0.05) return outside;
    outside += 1;
  }
}

/** `NEW/OLD 1.003 (0.998–1.009), OLD/OLD 1.001 (0.994–1.006): no slower; …`. */
export function inWords(ratio: Spread, control: Spread, { is, noise, isBlind }: Judgement, threshold: number): string {
  const change = ((ratio.median - 1) * 100).toFixed(1).replace('-', '−');
  const bar = `noise (${percent(noise)}) and threshold (${percent(threshold)})`;
  const told = `${is}: ${change.startsWith('−') ? '' : '+'}${change} %, ${is === 'no slower' ? 'within' : 'beyond'} ${bar}`;
  const warning = `; a change of ${percent(smallestChange)} may go unseen: more rounds, or a machine that does nothing else`;
  return `NEW/OLD ${interval(ratio)}, OLD/OLD ${interval(control)}: ${told}${isBlind ? warning : ''}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function interval({ median, min, max }: Spread): string {
  return `${median.toFixed(3)} (${min.toFixed(3)}–${max.toFixed(3)})`;
}
