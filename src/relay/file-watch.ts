import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

/** Watches files; which ones may change. */
export class FileWatch {
  readonly #onChange: () => void;
  #files: readonly string[] = [];
  #stopping = new AbortController();
  #watching: Promise<unknown> = Promise.resolve();

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** These, and no others, from now on. @param told how each was when it was read: as it is now, where it isn't given */
  watch(files: readonly string[], told: readonly string[] = []): void {
    if (isDeepStrictEqual(files, this.#files)) return;
    this.#stopping.abort();
    this.#stopping = new AbortController();
    this.#files = files;
    const { signal } = this.#stopping;
    const watching = files.map((file, index) => watchFile(file, this.#onChange, signal, told[index]));
    this.#watching = Promise.all([this.#watching, ...watching]);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }
}

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
