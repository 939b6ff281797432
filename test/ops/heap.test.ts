import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { collectionAfterWork } from '../../src/ops/heap.ts';

const mebibyte = 2 ** 20;

/** Runs a program in which the heap is tended as in a daemon, or not; gives what it prints. */
function outputOf(program: string, isTended: boolean): number {
  const heap = JSON.stringify(join(import.meta.dirname, '../../src/ops/heap.ts'));
  const tend = isTended ? `import { tendHeap } from ${heap}; tendHeap(50);` : '';
  return Number(execFileSync(process.execPath, ['--input-type=module', '--eval', tend + program]).toString());
}

/** Keeps for a while all that it makes. */
const busy = `
  import { setImmediate, setTimeout } from 'node:timers/promises';
  import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
  const sizeOf = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size;
  let kept = [];
  let most = 0;
  for (let turn = 0; turn < 250; turn += 1) {
    kept[turn % 100] = Array.from({ length: 4_000 }, (_, index) => ({ index, text: 'a' + index }));
    await setImmediate();
    most = Math.max(most, sizeOf());
  }`;

test('the young generation of V8 grows to 32 MiB in a daemon, and beyond in any other program', () => {
  const program = `${busy} console.log(most / ${mebibyte});`;
  expect(outputOf(program, true)).toBe(32);
  expect(outputOf(program, false)).toBeGreaterThan(32);
});

test('a daemon that has no more work gives back what the work took', () => {
  // Ends as soon as the memory is given back; else the process of the test would wait for 30 s and see what is left.
  const wait = `
    kept = [];
    const left = () => getHeapStatistics().total_heap_size;
    for (let turn = 0; turn < 600 && left() > 16 * ${mebibyte}; turn += 1) await setTimeout(50);
    console.log(left() / ${mebibyte});`;
  expect(outputOf(busy + wait, true)).toBeLessThanOrEqual(16);
});

test('a daemon that has no more work keeps no compiled code that only its start has run', () => {
  const started = `
    import { getHeapCodeStatistics } from 'node:v8';
    const codeSize = () => getHeapCodeStatistics().bytecode_and_metadata_size;
    const body = 'let sum = 0;' + 'sum += sum * 3 % 7;'.repeat(50);
    const once = Array.from({ length: 4_000 }, (_, index) => new Function(body + 'return sum + ' + index));
    for (const run of once) run();
    const compiled = codeSize();`;
  const wait = `
    kept = [];
    for (let turn = 0; turn < 600 && codeSize() > compiled / 2; turn += 1) await setTimeout(50);
    console.log(codeSize() / compiled);`;
  expect(outputOf(started + busy + wait, true)).toBeLessThan(0.5);
});

describe('the collection after work', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  function heapOf(start: number) {
    const heap = { size: start * mebibyte, collections: 0, worked(): void {} };
    heap.worked = collectionAfterWork(
      3_000,
      () => heap.size,
      () => {
        heap.collections += 1;
        heap.size = 20 * mebibyte;
        // V8 tells of it as of any other.
        heap.worked();
      },
    );
    return heap;
  }

  test('comes once when there has been none for three seconds, and not while there is work', () => {
    const heap = heapOf(35);
    for (let second = 0; second < 60; second += 1) {
      heap.worked();
      jest.advanceTimersByTime(1_000);
    }
    expect(heap.collections).toBe(0);
    jest.advanceTimersByTime(2_000);
    expect(heap.collections).toBe(1);
    jest.advanceTimersByTime(3_600_000);
    expect(heap.collections).toBe(1);
  });

  test('comes again only after the heap has grown', () => {
    const heap = heapOf(35);
    jest.advanceTimersByTime(120_000);
    const steps = [
      { grown: 3, collections: 1 },
      { grown: 5, collections: 2 },
      { grown: 1, collections: 2 },
      { grown: 80, collections: 3 },
    ];
    for (const { grown, collections } of steps) {
      heap.size = (20 + grown) * mebibyte;
      heap.worked();
      jest.advanceTimersByTime(120_000);
      expect(heap.collections).toBe(collections);
    }
  });

  test('comes once a minute at most where work comes and goes', () => {
    const heap = heapOf(35);
    for (let second = 0; second < 600; second += 5) {
      heap.size = 35 * mebibyte;
      heap.worked();
      jest.advanceTimersByTime(5_000);
    }
    expect(heap.collections).toBe(10);
  });
});
