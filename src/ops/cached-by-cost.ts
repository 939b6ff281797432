/** The work takes at most this part of the time. */
const share = 1 / 20;

/**
 * Does what is dear no oftener than it can be afforded: a result is given again until twenty times as long has passed
 * as it took to get it. Whoever asks meanwhile shares it.
 */
export function cachedByCost<T>(work: () => Promise<T>): () => Promise<T> {
  let last: Promise<T> | undefined;
  let freshUntil = 0;
  return () => {
    if (last !== undefined && performance.now() < freshUntil) return last;
    const started = performance.now();
    freshUntil = Number.POSITIVE_INFINITY;
    const settled = () => {
      const now = performance.now();
      freshUntil = now + (now - started) / share;
    };
    last = work();
    last.then(settled, settled);
    return last;
  };
}
