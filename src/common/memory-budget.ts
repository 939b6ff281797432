/**
 * One bound for the notifications that the daemon's parts hold in memory, in bytes. Each part takes from a share of its own,
 * which is full once it holds as much as nobody holds: so one part alone may have half of all, nine parts have a tenth each,
 * and whoever comes later finds room. A share that holds nothing is never full. So everybody may hold one thing, however
 * large and however much the others hold, and goes on once that is done with: nobody waits for another one.
 */
export class MemoryBudget {
  /** May be changed at any time: whoever holds more then takes nothing until it holds less. */
  limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  open(): MemoryShare {
    return new MemoryShare(this, (bytes) => {
      this.#used += bytes;
    });
  }
}

/** What one part of the daemon holds. */
export class MemoryShare {
  readonly #budget: MemoryBudget;
  readonly #use: (bytes: number) => void;
  #held = 0;

  constructor(budget: MemoryBudget, use: (bytes: number) => void) {
    this.#budget = budget;
    this.#use = use;
  }

  get held(): number {
    return this.#held;
  }

  /** True where nothing more should be taken, until some of what it holds is given back. */
  get isFull(): boolean {
    return this.#held > 0 && this.room <= 0;
  }

  /** How much can be taken until it is full. */
  get room(): number {
    // What is taken is held here, and no longer there for others.
    return (this.#budget.limit - this.#budget.used - this.#held) / 2;
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
  }
}
