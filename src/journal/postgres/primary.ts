import type { Logger } from 'pino';
import { reasonOf } from '../../common/errors.ts';
import { type Server, serverAddress } from '../../common/net/database-url.ts';
import { JournalError } from '../journal.ts';
import { inTime } from './deadline.ts';
import { StoreAway } from './failure.ts';
import { Link, type LinkSettings } from './link.ts';

/**
 * Finds the server that may be written to among those of the URL. One that was it, and doesn't know that another one has
 * taken over, is told by its timeline, which grows with each promotion.
 */
export class Primary {
  readonly servers: readonly Server[];
  readonly schema: string;
  readonly log: Logger;
  /** Looks at each connection before it is used for anything. @throws where it is not to be used */
  onConnected: ((link: Link) => Promise<void>) | undefined;
  readonly #onPromoted = new Set<(timeline: string) => void>();
  #timeline = '';
  #failedAt = Number.NEGATIVE_INFINITY;
  #latest: Server | undefined;

  /** @param servers in the order in which they are tried */
  constructor(servers: readonly Server[], schema: string, log: Logger) {
    this.servers = servers;
    this.schema = schema;
    this.log = log;
  }

  /** @throws StoreAway, JournalError that says of each server what is in the way */
  async open(settings: Omit<LinkSettings, 'schema' | 'log'>): Promise<Link> {
    const refusals: Error[] = [];
    // The one that was it is so still, most of the time; and one that is dead takes longest to find out about.
    const others = this.servers.filter((server) => server !== this.#latest);
    for (const server of this.#latest === undefined ? others : [this.#latest, ...others]) {
      try {
        const link = await Link.open(server, { ...settings, schema: this.schema, log: this.log });
        this.#look(link);
        await this.#greet(link, settings.connectWithin);
        this.#latest = server;
        return link;
      } catch (error) {
        const refusal = error instanceof Error ? error : new StoreAway(reasonOf(error));
        this.log.debug({ reason: refusal.message }, 'a server of the journal can not be used');
        refusals.push(refusal);
      }
    }
    const [first] = refusals;
    if (refusals.length === 1 && first !== undefined) throw first;
    const reason = refusals.map(reasonOf).join('; ');
    // Where none of them lets us in, none that comes back will.
    throw refusals.some((refusal) => refusal instanceof StoreAway) ? new StoreAway(reason) : new JournalError(reason);
  }

  /** Of the server that was used last. */
  get timeline(): string {
    return this.#timeline;
  }

  /** A call has failed because of the server, or of the way to it: other connections may be as dead, and not know it yet. */
  failed(): void {
    this.#failedAt = performance.now();
  }

  /** Whether a connection that was used last at a time, by the monotonic clock, may still be alive. */
  mayLive(usedAt: number): boolean {
    return usedAt >= this.#failedAt;
  }

  /** Another server has taken over: what is under way at the one before is of no use. Returns how to stop listening. */
  onPromoted(listener: (timeline: string) => void): () => void {
    this.#onPromoted.add(listener);
    return () => void this.#onPromoted.delete(listener);
  }

  async #greet(link: Link, within: number): Promise<void> {
    try {
      if (this.onConnected !== undefined) await inTime(this.onConnected(link), within, (failure) => link.cut(failure));
    } catch (error) {
      link.cut(new StoreAway('this connection is not to be used'));
      throw error;
    }
  }

  #look(link: Link): void {
    if (link.timeline < this.#timeline) {
      const stale = new StoreAway(`${serverAddress(link.server)} doesn't know that another server has taken over`);
      link.cut(stale);
      throw stale;
    }
    if (link.timeline === this.#timeline) return;
    this.#timeline = link.timeline;
    for (const listener of this.#onPromoted) listener(link.timeline);
  }
}
