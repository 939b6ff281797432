import { setTimeout as delay } from 'node:timers/promises';

/** Between looks, in milliseconds. */
const interval = 100;

/**
 * Looks again and again until the condition holds; false where it doesn't within that many milliseconds.
 * Rejects with the signal's reason when it aborts.
 */
export async function until(
  condition: () => Promise<boolean>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + milliseconds;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(interval, undefined, { signal });
  }
  return true;
}
