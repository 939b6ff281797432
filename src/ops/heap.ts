import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Keeps V8's heap as small as a daemon needs it, for as long as the process lives: its young generation is bounded, and what
 * is left of work is given back once there is none.
 * @param quiet milliseconds without a collection, after which there is no work
 */
export function tendHeap(quiet = 3_000): void {
  // V8's own collections of an idle program, one where it would make two: the second gives back 0.4 MiB for 60 ms of CPU.
  setFlagsFromString('--memory-reducer-gc-count=1');
  const boundYoung = youngBound();
  const worked = collectionAfterWork(quiet, heapSize, collectAll);
  new PerformanceObserver(() => {
    boundYoung();
    worked();
  }).observe({ entryTypes: ['gc'] });
}

/** Of the young generation, in bytes: its two halves together. */
const mostYoung = 32 * 1024 * 1024;

/**
 * Lets the young generation grow to 32 MiB and no further. V8 would let it grow to 128 in a daemon that has been busy for a
 * second, which saves no CPU: a notification is gone long before. V8 takes no limit once it runs, and an option of Node
 * would be missing wherever somebody starts the daemon by another command; but how far it grows next may always be said.
 * @returns what is called after each collection
 */
function youngBound(): () => void {
  let mayGrow = true;
  return () => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
    if (young < mostYoung === mayGrow) return;
    mayGrow = !mayGrow;
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
  };
}

/** A heap that has grown by less since the last full collection, in bytes, isn't worth another one. */
const worthwhile = 4 * 1024 * 1024;

/** Between two of them, in milliseconds: one takes about 100, which work that comes and goes must not pay each time. */
const pause = 60_000;

/**
 * Collects all garbage once after each time of work. A busy program makes V8 collect all the time, and one with little to
 * do hardly ever: V8 then keeps what the work took.
 * @param size of the heap, in bytes
 * @returns what is called after each collection, whoever asked for it
 */
export function collectionAfterWork(quiet: number, size: () => number, collect: () => void): () => void {
  let smallest = 0;
  let collectedAt = Number.NEGATIVE_INFINITY;
  const timer = setTimeout(() => {
    if (size() - smallest < worthwhile) return;
    if (performance.now() - collectedAt < pause) return void timer.refresh();
    collect();
    smallest = size();
    collectedAt = performance.now();
  }, quiet).unref();
  return () => void timer.refresh();
}

function heapSize(): number {
  return getHeapStatistics().total_heap_size;
}

/**
 * Only a last resort, in V8's words, gives memory back. V8 offers it to new contexts alone. What only the start has run goes
 * with it: V8 keeps compiled code for six collections, for which an idle program waits for hours, and compiles again what is
 * called all the same.
 */
function collectAll(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as NodeJS.GCFunction; // the flag above has made it
  setFlagsFromString('--no-expose-gc');
  setFlagsFromString('--bytecode-old-age=2');
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  setFlagsFromString('--bytecode-old-age=6');
}
