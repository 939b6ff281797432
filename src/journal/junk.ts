import type { Logger } from 'pino';
import { messages } from '../common/messages.ts';
import { formatBytes } from '../common/text/format.ts';
import type { Evicted } from './reader.ts';

/** What one step removes at most: large bodies take longer to remove than small ones. */
export const mostRows = 500;
export const mostBytes = 4 * 1024 * 1024;

/** What is evicted first stands first: undecodable ones, those of unknown events, those of known ones. */
export const kinds = ['undecodable', 'unknown', 'known'] as const satisfies readonly (keyof Evicted)[];

/** The facts that count them, and the one that has the time of the first. */
export const factOf = (kind: keyof Evicted): string => `evicted_${kind}`;
export const evictedSince = 'evicted_since';

/** An invalid notification whose turn has come, but that a route has still to deliver it. */
export interface Candidate {
  readonly seq: number;
  readonly bytes: number;
  readonly isHeld: boolean;
}

/**
 * Which invalid and undecodable notifications make way, some at a time, where they have more than their share. It is asked
 * with those of one rank after the other.
 */
export class Eviction {
  /** By rank, how far it was looked: what stands before is held, or came since. */
  readonly #positions = kinds.map(() => 0);

  /** Behind which place a rank is looked at. */
  after(rank: number): number {
    return this.#positions[rank] ?? 0;
  }

  /** All was looked at: the next time begins anew. */
  done(): void {
    this.#positions.fill(0);
  }

  /** @param rows the next ones of a rank; @param room is used up by what is chosen. Returns their places. */
  choose(rank: number, rows: readonly Candidate[], room: EvictionRoom): number[] {
    const chosen: number[] = [];
    for (const { seq, bytes, isHeld } of rows) {
      if (room.isUsed) break;
      this.#positions[rank] = seq;
      if (isHeld) continue;
      chosen.push(seq);
      room.use(bytes);
    }
    return chosen;
  }
}

/** How much a step still has to evict, and may. */
export class EvictionRoom {
  #excess: number;
  #bytes = mostBytes;
  #rows = mostRows;

  constructor(excess: number) {
    this.#excess = excess;
  }

  get isUsed(): boolean {
    return this.#excess <= 0 || this.#bytes <= 0 || this.#rows <= 0;
  }

  use(bytes: number): void {
    this.#excess -= bytes;
    this.#bytes -= bytes;
    this.#rows -= 1;
  }
}

/** From this part of the share on an operator is told; again when it was less than the other meanwhile. */
const alarmFrom = 0.5;
const alarmAgainBelow = 0.4;

/** While more and more is evicted, it is told as often, in milliseconds. */
const toldEvery = 60_000;

/** What was evicted so far, and when that began. */
export type EvictedSince = Evicted & { readonly since: number | null };

/** Tells of them in the daemon's log. */
export class JunkReporter {
  readonly #log: Logger;
  #alarmed = false;
  #untold = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(log: Logger) {
    this.#log = log;
  }

  evicted(count: number): void {
    this.#untold += count;
  }

  /** True where evictions are to be told. */
  get isDue(): boolean {
    return this.#untold > 0 && performance.now() - this.#toldAt >= toldEvery;
  }

  /** @param bytes that all of them take; @param share that they may */
  tellBytes(bytes: number, share: number): void {
    if (bytes < share * alarmAgainBelow) this.#alarmed = false;
    if (bytes < share * alarmFrom || this.#alarmed) return;
    this.#alarmed = true;
    this.#log.warn({ bytes: formatBytes(bytes), share: formatBytes(share) }, messages.shareHalfFull);
  }

  tellEvicted({ since, ...evicted }: EvictedSince, bytes: number, share: number): void {
    this.#log.warn(
      {
        bytes: formatBytes(bytes),
        share: formatBytes(share),
        evicted: { ...evicted, since: since === null ? null : new Date(since).toISOString() },
      },
      messages.shareFull,
    );
    this.#untold = 0;
    this.#toldAt = performance.now();
  }
}

/** @param facts by their names */
export function evictedIn(facts: ReadonlyMap<unknown, number>): EvictedSince {
  const [undecodable = 0, unknown = 0, known = 0] = kinds.map((kind) => facts.get(factOf(kind)));
  return { undecodable, unknown, known, since: facts.get(evictedSince) ?? null };
}
