/** The work takes at most this part of the time. */
const share = 1 / 20;

/**
 * Limits how much of the time costly work takes: a result is reused until twenty times as long has passed as it took to
 * get it. Calls in the meantime share it.
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
