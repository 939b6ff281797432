import { Slots } from './slots.ts';

/**
 * The promise, or the signal's reason as soon as it aborts; the promise itself runs on.
 * @param giveBack gets what the promise gives after that, where somebody has to let go of it
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal, giveBack?: (value: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => {
      reject(signal.reason);
      if (giveBack !== undefined) promise.then(giveBack, () => undefined);
    });
    promise.finally(stopListening).then(resolve, reject);
  });
}

const listeners = new WeakMap<AbortSignal, Slots<() => void>>();

/**
 * Calls back when the signal aborts, at once if it has. Returns a function that cancels it; whoever stops waiting must
 * call it, because signals live as long as the daemon. A signal has one listener for all callbacks: one for each would
 * cost more than most of the work that is waited for.
 * @param callback a different one each time
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => undefined;
  }
  let waiting = listeners.get(signal);
  if (waiting === undefined) {
    const all = new Slots<() => void>();
    const abort = () => {
      for (const each of all) each();
    };
    signal.addEventListener('abort', abort, { once: true });
    listeners.set(signal, all);
    waiting = all;
  }
  return waiting.add(callback);
}
