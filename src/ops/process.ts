import { readFileSync } from 'node:fs';
import { join } from 'node:path';

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
