import { postgresAddress } from '../common/net/postgres-url.ts';
import type { Config, JournalPlace } from './config.ts';

/** The folder of this machine that is the daemon's own: that of its journal, or of its spool beside a shared one. */
export function ownFolder(journal: JournalPlace): string {
  return journal.url === undefined ? journal.path : journal.spool;
}

/** Where the store is, and as whom this daemon uses it: what `storeAt` takes. */
export function storeLocation({ name, journal }: Pick<Config, 'name' | 'journal'>) {
  if (journal.url === undefined) return { path: journal.path };
  const { url, schema, spool, spoolSize } = journal;
  return { url, schema, spool, spoolSize, name };
}

/** Names it in messages, without user and password. */
export function journalAddress(journal: JournalPlace): string {
  return journal.url === undefined ? journal.path : `${postgresAddress(journal.url)} (${journal.schema})`;
}

/** The same journal with the limits of another configuration: where it is changes with a restart only. */
export function withLimits(journal: Config['journal'], next: Config['journal']): Config['journal'] {
  const { retention, deadRetention, maxSize, invalidShare } = next;
  return { ...journal, retention, deadRetention, maxSize, invalidShare };
}
