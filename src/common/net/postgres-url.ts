import { type Server, serverAddress, serverOf } from './database-url.ts';

/** All but the hosts, of which a list may stand there: `postgres://user@a,b:5433/db`. */
const parts = /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)([^@/?#]*)(.*)$/is;

/** What `URL` can parse of such a URL, which it can't where there are several hosts: the same with each of them alone. */
export function urlsOfHosts(url: string): string[] {
  const [, head = '', hosts, rest = ''] = parts.exec(url.trim()) ?? [];
  return hosts === undefined ? [url] : hosts.split(',').map((host) => `${head}${host}${rest}`);
}

/**
 * Reads `postgres://user:password@host:port,host:port/database?sslmode=…&target_session_attrs=read-write`: a server for each
 * host, in this order.
 * @throws Error that says what is wrong, without the URL itself: a secret is in it
 */
export function postgresServers(url: string): Server[] {
  return urlsOfHosts(url).map((each) => {
    if (!URL.canParse(each)) throw new Error('a host or a port of it can be none');
    const parsed = new URL(each);
    const wanted = parsed.searchParams.get('target_session_attrs');
    // What is never written to would be of no use: see connection.ts of the journal.
    if (wanted !== null && wanted !== 'read-write')
      throw new Error('its target_session_attrs must be read-write, which it is by itself');
    parsed.searchParams.delete('target_session_attrs');
    return serverOf(parsed, 5432);
  });
}

/** `a:5432,b:5433/database`, for messages. */
export function postgresAddress(url: string): string {
  const servers = postgresServers(url);
  const hosts = servers.map((server) => serverAddress({ ...server, database: undefined }));
  return `${hosts.join(',')}/${servers[0]?.database ?? ''}`;
}
