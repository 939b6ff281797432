/**
 * One limit, in bytes, for the notifications that the parts of the daemon hold in memory. Each part takes from its own
 * share, which is full once it holds as much as is free: one part alone may have half of all, nine parts have a tenth
 * each, and a later one still finds room. An empty share is never full: so each part may always hold one thing, however
 * large and however much the others hold, and nobody waits for another.
 */
export class MemoryBudget {
  /** May be changed at any time: whoever holds more then takes nothing until it holds less. */
  limit: number;
  #used = 0;
  readonly #shares = new Set<MemoryShare>();

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** How many parts have a share. */
  get shares(): number {
    return this.#shares.size;
  }

  open(): MemoryShare {
    const use = (bytes: number) => {
      this.#used += bytes;
    };
    const share = new MemoryShare(this, use, () => void this.#shares.delete(share));
    this.#shares.add(share);
    return share;
  }
}

/** The memory of one part of the daemon. */
export class MemoryShare {
  readonly #budget: MemoryBudget;
  readonly #use: (bytes: number) => void;
  readonly #leave: () => void;
  #held = 0;

  constructor(budget: MemoryBudget, use: (bytes: number) => void, leave: () => void) {
    this.#budget = budget;
    this.#use = use;
    this.#leave = leave;
  }

  get held(): number {
    return this.#held;
  }

  /** True if no more should be taken until some of it is given back. */
  get isFull(): boolean {
    return this.#held > 0 && this.room <= 0;
  }

  /**
   * How much may be taken at a time: an even part of all, and what of the rest each may have. Where all take that in one
   * turn, as routes do that start together, they take no more than there is.
   */
  get room(): number {
    const { limit, used, shares } = this.#budget;
    // What this share takes is no longer free for others.
    const free = limit - used - this.#held;
    return Math.max(Math.min(limit / shares - this.#held, free / 2), free / Math.max(2, shares));
  }

  /** Of all shares together. */
  get limit(): number {
    return this.#budget.limit;
  }

  take(bytes: number): void {
    this.#held += bytes;
    this.#use(bytes);
  }

  giveBack(bytes: number): void {
    this.take(-bytes);
  }

  /** Gives back all that it holds. */
  close(): void {
    this.giveBack(this.#held);
    this.#leave();
  }
}
