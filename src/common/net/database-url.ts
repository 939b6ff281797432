import { leadingTilde, leadingTildeMessage } from '../options/value-checks.ts';
import { readPems } from './tls.ts';

/** Where a database server is, and how to get in. */
export interface Server {
  readonly host: string;
  readonly port: number;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly tls: Tls;
}

/** libpq's `sslmode`, for every server. */
interface Tls {
  readonly mode: (typeof modes)[number];
  /** Files in PEM. */
  readonly root: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** What Node's `tls.connect` takes, and whether the certificate must be of that very host. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
  readonly checksName: boolean;
  readonly checkServerIdentity?: () => undefined;
}

/** Parameters that name one. */
const files = ['sslrootcert', 'sslcert', 'sslkey'];

const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/**
 * Reads `protocol://user:password@host:port/database?sslmode=…`.
 * @throws Error that says what is wrong, without the URL itself: a secret is in it
 */
export function serverOf(url: URL, defaultPort: number): Server {
  const { searchParams: parameters } = url;
  const given = parameters.get('sslmode') ?? 'prefer';
  const mode = modes.find((candidate) => candidate === given);
  if (mode === undefined) throw new Error(`its sslmode is none of ${modes.join(', ')}`);
  const known = ['sslmode', ...files, 'host'];
  const unknown = [...parameters.keys()].find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`it has the parameter ${unknown}; there are ${known.join(', ')}`);
  const inHome = files.find((name) => leadingTilde.test(parameters.get(name) ?? ''));
  if (inHome !== undefined) throw new Error(`its ${inHome} ${leadingTildeMessage}`);
  const host = parameters.get('host') ?? url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (host === '') throw new Error('it names no host');
  return {
    host: decodeURIComponent(host),
    port: url.port === '' ? defaultPort : Number(url.port),
    user: decoded(url.username),
    password: decoded(url.password),
    database: decoded(url.pathname.slice(1)),
    tls: {
      mode,
      root: parameters.get('sslrootcert') ?? undefined,
      certificate: parameters.get('sslcert') ?? undefined,
      key: parameters.get('sslkey') ?? undefined,
    },
  };
}

/** `127.0.0.1:5432/kazoo`, for messages. */
export function serverAddress({ host, port, database }: Server): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}${database === undefined ? '' : `/${database}`}`;
}

/**
 * How to open a TLS connection in that mode; undefined where it is not wanted. As in libpq, only `verify-ca` and
 * `verify-full` look at the server's certificate, and `require` where there is a root.
 * @throws Error that names the parameter and the file, for one that can't be used
 */
export function tlsOptions({ tls }: Server): TlsOptions | undefined {
  if (tls.mode === 'disable') return undefined;
  const { root: ca, certificate: cert, key } = tls;
  const checksName = tls.mode === 'verify-full';
  return {
    ...readPems({ ca, cert, key }, { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' }),
    rejectUnauthorized: checksName || tls.mode === 'verify-ca' || (tls.mode === 'require' && tls.root !== undefined),
    checksName,
    ...(checksName ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** True where a connection without TLS will do if the server has none. */
export function mayBePlain({ tls }: Server): boolean {
  return tls.mode === 'allow' || tls.mode === 'prefer';
}

function decoded(part: string): string | undefined {
  return part === '' ? undefined : decodeURIComponent(part);
}
