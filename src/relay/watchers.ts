import { isDeepStrictEqual } from 'node:util';
import { watchFile } from './watch-file.ts';

/** Watches files; which ones may change. */
export class Watchers {
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
