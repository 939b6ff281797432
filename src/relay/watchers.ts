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

  /** These, and no others, from now on. */
  watch(files: readonly string[]): void {
    if (isDeepStrictEqual(files, this.#files)) return;
    this.#stopping.abort();
    this.#stopping = new AbortController();
    this.#files = files;
    const { signal } = this.#stopping;
    this.#watching = Promise.all([this.#watching, ...files.map((file) => watchFile(file, this.#onChange, signal))]);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }
}
