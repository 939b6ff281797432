import type { OptionTree } from '../../common/options/declare.ts';

/** Times are milliseconds. */
export interface WebhookOptions {
  readonly url: string;
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'GET';
  readonly headers: Readonly<Record<string, string>>;
  readonly format: FormatName;
  readonly fields: Readonly<Record<string, string>>;
  readonly template?: TemplateOptions | undefined;
  readonly batch: { readonly max: number; readonly linger: number };
  readonly signature: { readonly secrets: readonly string[] };
  readonly timeout: { readonly connect: number; readonly total: number };
  readonly concurrency: number;
  readonly rateLimit?: { readonly requests: number; readonly per: number } | undefined;
  readonly auth: AuthOptions;
  readonly tls: TlsOptions;
  readonly proxy: string;
  readonly http2: boolean;
  readonly allowPrivateNetworks: boolean;
  readonly redirects: number;
}

/** The first is the usual one. */
export const formatNames = [
  'envelope',
  'standard',
  'cloudevents',
  'cloudevents-binary',
  'kazoo-json',
  'kazoo-form',
  'template',
] as const;

export type FormatName = (typeof formatNames)[number];

export interface TemplateOptions {
  readonly body: string;
  readonly contentType: string;
}

interface AuthOptions {
  readonly basic?: { readonly user: string; readonly password: string } | undefined;
  readonly bearer?: { readonly token: string } | undefined;
  readonly oauth2?: OAuth2Options | undefined;
}

export interface OAuth2Options {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly clientAuth: 'basic' | 'post';
  readonly parameters: Readonly<Record<string, string>>;
}

export interface TlsOptions {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly verify: boolean;
}

/** Variables of the environment that the proxy `environment` means; their values may hold a password. */
export const proxyVariables = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY'] as const;

export const webhookOptions: OptionTree = {
  url: {
    doc: 'Where requests go; {account_id}, {event}, {category}, {zone} and {id} may stand in its path and query.',
    format: 'http url',
    default: null,
    sensitive: true,
  },
  method: { doc: 'GET is for kazoo-form only.', format: ['POST', 'PUT', 'PATCH', 'GET'], default: 'POST' },
  headers: {
    doc: 'Headers of every request.',
    each: { doc: 'Value of a header.', format: 'text', default: null, sensitive: true },
  },
  format: {
    doc: 'What a request carries.',
    format: [...formatNames],
    default: formatNames[0],
  },
  fields: {
    doc: 'Static fields: the custom data of kazoo-json and kazoo-form, `fields` in a template.',
    each: { doc: 'Value of a field.', format: 'text', default: null, sensitive: true },
  },
  template: {
    doc: 'What a request carries, for the format template.',
    optional: {
      body: { doc: 'A Liquid template; it sees the keys of the envelope.', format: 'text', default: null },
      contentType: { doc: 'What it makes.', format: 'text', default: 'application/json' },
    },
  },
  batch: {
    max: {
      doc: 'Notifications in a request, at most; with more than 1, each request carries an array (envelope, cloudevents).',
      format: 'positive number',
      default: 1,
    },
    linger: { doc: 'Time that a notification may wait for others to be sent with.', format: 'duration', default: 0 },
  },
  signature: {
    secrets: {
      doc: 'Secrets (whsec_…) that requests are signed with, as Standard Webhooks says; several while one replaces another.',
      format: 'names',
      default: [],
      sensitive: true,
    },
  },
  timeout: {
    connect: {
      doc: 'Time within which a connection must be open; of several addresses, each has a third of it.',
      format: 'positive duration',
      default: 10_000,
    },
    total: { doc: 'Time within which a request must be answered.', format: 'positive duration', default: 30_000 },
  },
  concurrency: {
    doc: 'Requests that may be under way at a time; with 1, they go in the order in which notifications came in.',
    format: 'positive number',
    default: 16,
  },
  redirects: { doc: 'Redirects that are followed, at most, on the same host.', format: 'nat', default: 0 },
  rateLimit: {
    doc: 'Most requests that are sent; they are spread evenly.',
    optional: {
      requests: { doc: 'How many.', format: 'positive number', default: null },
      per: { doc: 'In which time.', format: 'positive duration', default: 1_000 },
    },
  },
  auth: {
    basic: {
      doc: 'User and password.',
      optional: {
        user: { doc: 'User.', format: 'text', default: null },
        password: { doc: 'Password.', format: 'text', default: null, sensitive: true },
      },
    },
    bearer: {
      doc: 'A token that the receiver has given out.',
      optional: { token: { doc: 'The token.', format: 'text', default: null, sensitive: true } },
    },
    oauth2: {
      doc: 'OAuth 2 client credentials: tokens are fetched, kept, and renewed in time.',
      optional: {
        tokenUrl: { doc: 'Where tokens come from.', format: 'http url', default: null, sensitive: true },
        clientId: { doc: 'Client id.', format: 'text', default: null },
        clientSecret: { doc: 'Client secret.', format: 'text', default: null, sensitive: true },
        clientAuth: {
          doc: 'How the secret is sent to tokenUrl: in a header, or in the body.',
          format: ['basic', 'post'],
          default: 'basic',
        },
        parameters: {
          doc: 'Further parameters of the token request, such as scope and audience.',
          each: { doc: 'Value of a parameter.', format: 'text', default: null, sensitive: true },
        },
      },
    },
  },
  tls: {
    ca: {
      doc: 'File of the CAs to trust (PEM), in place of those that Node brings along; it does not look at the system’s.',
      format: 'path',
      default: undefined,
    },
    cert: {
      doc: 'File of our certificate (PEM), where the receiver asks for one.',
      format: 'path',
      default: undefined,
    },
    key: { doc: 'File of its key (PEM).', format: 'path', default: undefined },
    serverName: {
      doc: 'Name that the receiver’s certificate must have, where it isn’t the host of the url.',
      format: 'text',
      default: undefined,
    },
    minVersion: { doc: 'Oldest version of TLS that is spoken.', format: ['TLSv1.2', 'TLSv1.3'], default: 'TLSv1.2' },
    verify: {
      doc: 'Whether the receiver’s certificate is checked; without it, anybody in between can read and answer.',
      format: Boolean,
      default: true,
    },
  },
  proxy: {
    doc: 'http:// or https:// URL; environment: as HTTP_PROXY, HTTPS_PROXY, NO_PROXY (names, globs, networks) say; none: no proxy.',
    format: 'proxy',
    default: 'environment',
    sensitive: true,
  },
  http2: { doc: 'Whether HTTP/2 is spoken where the receiver offers it over TLS.', format: Boolean, default: true },
  allowPrivateNetworks: {
    doc: 'Whether requests may go to addresses that are not public: private, loopback, link-local and the like.',
    format: Boolean,
    default: true,
  },
};
