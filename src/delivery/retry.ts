export interface RetryOptions {
  /** Milliseconds after the first, second … try that failed; after the last one there is no other. */
  readonly schedule: readonly number[];
  /** Milliseconds that a sink may ask to wait. */
  readonly maxWait: number;
}

/**
 * The time of the next attempt, in Unix milliseconds, or null if that was the last one. The pause is a random part of
 * the schedule's ("full jitter"), so that deliveries that failed together don't return together.
 * @param tries how often it has failed
 * @param notBefore the time that the sink asked for
 * @param chance from 0 to 1: the same for those that are to return together
 */
export function nextTry(
  tries: number,
  notBefore: number | undefined,
  options: RetryOptions,
  now: number,
  chance: number,
): number | null {
  const pause = options.schedule[tries - 1];
  if (pause === undefined) return null;
  const asked = Math.min(notBefore ?? 0, now + options.maxWait);
  return Math.round(Math.max(now + chance * pause, asked));
}

/**
 * Beyond this, a time that was planned for can't be right any more: the clock has been set back.
 * @param period milliseconds for which what is new may wait
 */
export function horizon({ schedule, maxWait }: RetryOptions, period: number, now: number): number {
  return now + Math.max(maxWait, period, ...schedule) + 60_000;
}
