import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Between looks, in milliseconds. */
const pause = 2_000;

/**
 * Looks at a file every other second, and tells of each change once the file has stood still from one look to the next:
 * while it is being written, or is away between a removal and a renaming, nothing is told. One that stays away has
 * changed too. Resolves when the signal aborts.
 * @param told how it was when it was read last
 */
export async function watchFile(
  path: string,
  onChange: () => void,
  signal: AbortSignal,
  told = markOf(path),
  interval: number = pause,
): Promise<void> {
  let seen = told;
  while (!signal.aborted) {
    await delay(interval, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const mark = markOf(path);
    if (mark === seen && mark !== told) {
      told = mark;
      onChange();
    }
    seen = mark;
  }
}

/** When a file's content was changed last, as RFC 3339 says it; null where there is no such file. */
export function changedAt(path: string): string | null {
  return statSync(path, { throwIfNoEntry: false })?.mtime.toISOString() ?? null;
}

/**
 * Differs for any two states of a file that differ: another one may have been put in its place with the same time and
 * size.
 */
export function markOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return 'away';
  }
}
