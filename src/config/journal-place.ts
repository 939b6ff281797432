import { postgresAddress } from '../common/net/postgres-url.ts';
import type { Config, JournalPlace, RouteConfig } from './config.ts';

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

/** What a route is called in the journal: one that each daemon runs for itself is several there. */
export function routeInJournal(
  { name, every }: Pick<RouteConfig, 'name' | 'every'>,
  { journal, name: daemon }: Pick<Config, 'name' | 'journal'>,
): string {
  // It may have that name already.
  return journal.url !== undefined && every && !name.includes('@') ? `${name}@${daemon}` : name;
}

/**
 * The routes of a configuration by their names in the journal: one that each daemon runs for itself once for each daemon.
 * @param known names that the journal has
 */
export function routesInJournal<R extends Pick<RouteConfig, 'name' | 'every'>>(
  config: Pick<Config, 'name' | 'journal'> & { readonly routes: readonly R[] },
  known: readonly string[],
): R[] {
  return config.routes.flatMap((route) => {
    const own = routeInJournal(route, config);
    if (own === route.name) return [route];
    const names = known.filter((name) => name.startsWith(`${route.name}@`));
    // On a machine without a daemon of its own, nothing is known of its own one.
    return (names.length === 0 ? [own] : names).map((name) => ({ ...route, name }));
  });
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

/**
 * What a status names of a configuration.
 * @param held what the journal holds, or why it can't be read
 */
export function namedIn<R extends Pick<RouteConfig, 'name' | 'every'>>(
  config: Pick<Config, 'name' | 'journal'> & { readonly routes: readonly R[] },
  file: string | null,
  held: string | { readonly routes: readonly { readonly name: string }[] },
) {
  const { name, journal } = config;
  const known = typeof held === 'string' ? [] : held.routes.map((route) => route.name);
  const database = journal.url === undefined ? undefined : journalAddress(journal);
  return { file, name, journal: { ...journal, database }, routes: routesInJournal(config, known) };
}
