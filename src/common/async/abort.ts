import { Slots } from './slots.ts';

/** The promise, or the signal's reason as soon as it aborts; the promise itself runs on. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(signal.reason));
    promise.finally(stopListening).then(resolve, reject);
  });
}

const listeners = new WeakMap<AbortSignal, Slots<() => void>>();

/**
 * Calls back once the signal aborts, at once where it has. Returns how to take that back, which whoever no longer waits
 * must do: signals live as long as the daemon. However many wait for one signal, it has one listener of theirs: adding
 * and removing one for each costs more than most of what is waited for.
 * @param callback another one each time
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
