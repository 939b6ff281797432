import { isLoopback } from '../../common/net/addresses.ts';
import { mayBePlain, type Server } from '../../common/net/database-url.ts';
import { postgresServers } from '../../common/net/postgres-url.ts';
import { isMapping, unreplacedVariable } from '../../common/options/value-checks.ts';
import { sinkDeclarations } from '../../sinks/declarations.ts';
import type { Config, RouteConfig } from '../config.ts';
import type { Issue } from '../diagnostics.ts';

/** Options of a journal that daemons share. */
const ofShared = ['schema', 'spool', 'spoolSize'];

/** What is wrong with where the journal is. @param written what the file, variables and flags say of it */
export function journalErrors(written: unknown): Issue[] {
  const given = (key: string) => isMapping(written) && written[key] !== undefined;
  const wrong = (key: string, message: string) => ({ path: ['journal', key], message });
  if (!given('url'))
    return ofShared
      .filter(given)
      .map((key) => wrong(key, 'is an option of a journal that daemons share: journal.url is missing'));
  const spool = 'is required with url: a folder of this machine, where notifications wait while the database is away';
  return [
    ...(given('path') ? [wrong('path', 'goes without url: a journal is in a folder, or in a database')] : []),
    ...(given('spool') ? [] : [wrong('spool', spool)]),
  ];
}

/** `journal` as its options describe it. */
export interface WrittenJournal extends Record<string, unknown> {
  readonly url: unknown;
}

/** What holds of it: what is of the other kind of place has a default all the same. */
export function journalPlace({ path, url, schema, spool, spoolSize, ...limits }: WrittenJournal): WrittenJournal {
  return url === undefined ? { url, path, ...limits } : { url, schema, spool, spoolSize, ...limits };
}

/** What is wrong with who may run the routes. */
export function sharingErrors(routes: readonly RouteConfig[], isShared: boolean): Issue[] {
  return routes.flatMap(({ name, host, every, sink }) => {
    const path = ['routes', name];
    if (host !== undefined && every) return [{ path: [...path, 'every'], message: 'goes without host' }];
    if (!isShared || host !== undefined || every || !isLocal(sink)) return [];
    const message =
      `delivers to a place on one machine (${sink.type}), and daemons share the journal: add host: NAME, the name of the only ` +
      'daemon that runs it; or every: true, and each daemon delivers what it took itself';
    return [{ path, message }];
  });
}

/** What is legal there, and most likely not meant. */
export function sharingWarnings({ journal, queue }: Config, routes: readonly RouteConfig[]): Issue[] {
  if (journal.url !== undefined) {
    const consumers =
      'is 1: daemons that share a journal consume from the same queue, and each takes the others for strangers; set their number';
    return [
      ...urlWarnings(journal.url),
      ...(queue.consumers === 1 ? [{ path: ['queue', 'consumers'], message: consumers }] : []),
    ];
  }
  const message =
    'does nothing: this daemon alone has its journal, and runs all its routes; daemons share a journal.url';
  return routes.flatMap(({ name, host, every }) => {
    const given = [...(host === undefined ? [] : ['host']), ...(every ? ['every'] : [])];
    return given.map((key) => ({ path: ['routes', name, key], message }));
  });
}

function urlWarnings(url: string): Issue[] {
  const variable = unreplacedVariable(url);
  const messages = variable === undefined ? postgresServers(url).slice(0, 1).flatMap(exposure) : [variable];
  return messages.map((message) => ({ path: ['journal', 'url'], message }));
}

/** What whoever is on the way to the server can do; the parameters are the same for all hosts. */
function exposure(server: Server): string[] {
  const { host, tls } = server;
  if (isLoopback(host) || host.startsWith('/') || tls.mode === 'verify-full') return [];
  if (tls.mode === 'disable' || mayBePlain(server))
    return [
      `may be unencrypted (sslmode is ${tls.mode}): whoever is on the way reads notifications and revealed secrets; ` +
        'sslmode=verify-full&sslrootcert=/path keeps them out',
    ];
  return [
    `lets another server pose as this one (sslmode is ${tls.mode}): sslmode=verify-full&sslrootcert=/path checks its name`,
  ];
}

function isLocal({ type, options }: RouteConfig['sink']): boolean {
  return sinkDeclarations.find((kind) => kind.type === type)?.isLocal(options) ?? false;
}
