import type { LinkState } from '../reader.ts';
import type { Companion } from './companions.ts';
import type { Queryable } from './connection.ts';
import { shortened } from './route-states.ts';

/**
 * Shows the links of this daemon to brokers to all who share the journal, in its own row: that is written in place, since a link
 * seldom changes, and once a second at most.
 */
export class DaemonLinks implements Companion {
  readonly #database: Queryable;
  readonly #holder: string;
  readonly #links: () => readonly LinkState[];
  /** As the row has them. */
  #written = '[]';

  constructor(database: Queryable, holder: string, links: () => readonly LinkState[]) {
    this.#database = database;
    this.#holder = holder;
    this.#links = links;
  }

  get isDue(): boolean {
    return this.#text !== this.#written;
  }

  /** @throws JournalError, and it is written the next time */
  async write(): Promise<void> {
    const text = this.#text;
    await this.#database.query('UPDATE daemons SET links = $2 WHERE holder = $1', [this.#holder, text]);
    this.#written = text;
  }

  /** The database hasn't it any more, or not the newest. */
  showAgain(): void {
    this.#written = '';
  }

  get #text(): string {
    return JSON.stringify(
      this.#links().map(({ reason, ...link }) => ({ ...link, reason: reason && shortened(reason) })),
    );
  }
}

/** As `DaemonLinks` has written them. */
export function linksIn(text: string): LinkState[] {
  return JSON.parse(text) as LinkState[];
}
