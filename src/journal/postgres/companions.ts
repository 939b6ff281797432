/** What a daemon has to write now and then, beside what it writes at once. */
export interface Companion {
  readonly isDue: boolean;
  /** What can't be written goes with the next time. @throws JournalError */
  write(): Promise<void>;
}

/** Writes what is due, one after the other, one time after the other. */
export class Companions {
  readonly #companions: readonly Companion[];
  #writing: Promise<void> | undefined;

  constructor(companions: readonly Companion[]) {
    this.#companions = companions;
  }

  /** Resolves when it is written, or could not be: whoever needs the database to go on tells of that. */
  writeDue(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Writes a last time, what is due by then. */
  async close(): Promise<void> {
    await this.#writing;
    await this.writeDue();
  }

  async #write(): Promise<void> {
    for (const companion of this.#companions) {
      try {
        if (companion.isDue) await companion.write();
      } catch {
        return;
      }
    }
  }
}
