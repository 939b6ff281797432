import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until the condition gives something truthy, and returns that.
 * @param what names what is waited for, in the error when the time is up
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, timeout = 60_000, interval = 20 }: { what: string; timeout?: number; interval?: number },
): Promise<Truthy<T>> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value as Truthy<T>; // TypeScript narrows no type parameter
    if (performance.now() > deadline) throw new Error(`waited ${timeout} ms for ${what}`);
    await delay(interval);
  }
}

type Truthy<T> = Exclude<T, undefined | null | false>;
