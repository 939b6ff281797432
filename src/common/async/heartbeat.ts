/** When a loop has last moved. */
export class Heartbeat {
  #beatAt = performance.now();

  beat(): void {
    this.#beatAt = performance.now();
  }

  /** Milliseconds since the last beat. */
  get age(): number {
    return performance.now() - this.#beatAt;
  }
}

/** How much longer than it may something takes that counts as stuck, in milliseconds. */
export const stuckAfter = 60_000;
