import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** The folder of the package: it contains src/ or, once installed, dist/. */
export const packageFolder = join(import.meta.dirname, '../..');

/** This program's version. */
export const version = versionIn(readFileSync(join(packageFolder, 'package.json'), 'utf8'));

function versionIn(text: string): string {
  const { version: found } = JSON.parse(text) as { version: string }; // npm packs nothing without one
  return found;
}

/** What a daemon has open by itself: its program, the journal, the log, the clients of its HTTP port. */
const own = 150;

/** For each sink and link beside its connections: files, pools, name look-ups. */
const beside = 4;

/**
 * How many files and connections this process may have open at a time, where that may be too few; else null.
 * @param connections that each link and each route may have
 * @param limits as the kernel tells them
 */
export function openFileShortage(
  connections: readonly number[],
  limits: string = limitsOfThis(),
): { limit: number; needed: number } | null {
  const limit = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  const needed = connections.reduce((sum, count) => sum + count + beside, own);
  return limit < needed ? { limit, needed } : null;
}

/** Empty where there is no such system. */
function limitsOfThis(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}

/** Of V8's young generation, in bytes: its two halves together. */
const mostYoung = 32 * 1024 * 1024;

/**
 * Lets V8's young generation grow to 32 MiB and no further. V8 would let it grow to 128 in a daemon that has been busy for a
 * second, which saves no CPU: a notification is gone long before. V8 takes no limit once it runs, and an option of Node
 * would be missing wherever somebody starts the daemon by another command; but how far it grows next may always be said.
 */
export function boundYoungGeneration(): void {
  let mayGrow = true;
  const look = () => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
    if (young < mostYoung === mayGrow) return;
    mayGrow = !mayGrow;
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
  };
  new PerformanceObserver(look).observe({ entryTypes: ['gc'] });
}
