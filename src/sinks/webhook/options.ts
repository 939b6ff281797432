import type { TlsFiles } from '../../common/net/tls.ts';
import type { OptionTree } from '../../common/options/declare.ts';
import { tlsOptions } from '../../common/options/tls-options.ts';
import { proxyOption, type RequestTimeout, timeoutOptions } from '../http/options.ts';
import type { TemplateOptions } from '../template/template.ts';

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
  readonly timeout: RequestTimeout;
  readonly concurrency: number;
  readonly preset: PresetName | undefined;
  readonly link: string | undefined;
  readonly rateLimit?: { readonly requests: number; readonly per: number } | undefined;
  readonly auth: AuthOptions;
  readonly tls: TlsOptions;
  readonly proxy: string;
  readonly http2: boolean;
  readonly allowPrivateNetworks: boolean;
  readonly redirects: number;
}

/** Services whose webhooks the sink knows by itself. */
export const presetNames = ['slack', 'teams', 'discord', 'pagerduty', 'ntfy', 'telegram'] as const;

export type PresetName = (typeof presetNames)[number];

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

interface TlsOptions extends TlsFiles {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly verify: boolean;
}

export const webhookOptions: OptionTree = {
  url: {
    doc: 'URL of the receiver; path and query may contain {account_id}, {event}, {category}, {zone} and {id}.',
    format: 'http url',
    default: null,
    sensitive: true,
  },
  method: { doc: 'HTTP method; GET only with kazoo-form.', format: ['POST', 'PUT', 'PATCH', 'GET'], default: 'POST' },
  headers: {
    doc: 'Headers of every request.',
    each: { doc: 'Value of a header.', format: 'text', default: null, sensitive: true },
  },
  format: {
    doc: 'Format of the request body.',
    format: [...formatNames],
    default: formatNames[0],
  },
  preset: {
    doc: 'A service whose messages the sink writes by itself, in place of a format; its limits are kept.',
    format: [...presetNames],
    default: undefined,
  },
  link: {
    doc: 'Page about a notification, to which the message of a preset leads; it may contain {account_id}, {event}, {category}, {zone} and {id}.',
    format: 'text',
    default: undefined,
  },
  fields: {
    doc: 'Static fields: the custom data of kazoo-json and kazoo-form, `fields` in a template, what a preset needs beside the URL.',
    each: { doc: 'Value of a field.', format: 'text', default: null, sensitive: true },
  },
  template: {
    doc: 'Request body, for the format template.',
    optional: {
      body: { doc: 'Liquid template; its variables are the keys of the envelope.', format: 'text', default: null },
      contentType: { doc: 'Content type of its output.', format: 'text', default: 'application/json' },
    },
  },
  batch: {
    max: {
      doc: 'Maximum number of notifications in a request; with more than 1, each request has an array (envelope, cloudevents).',
      format: 'positive number',
      default: 1,
    },
    linger: { doc: 'Maximum time that a notification waits for others of its batch.', format: 'duration', default: 0 },
  },
  signature: {
    secrets: {
      doc: 'Secrets (whsec_…) for signatures by Standard Webhooks; several during a rotation.',
      format: 'names',
      default: [],
      sensitive: true,
    },
  },
  timeout: timeoutOptions,
  concurrency: {
    doc: 'Maximum number of simultaneous requests; with 1, they keep the order of notifications.',
    format: 'positive number',
    default: 16,
  },
  redirects: { doc: 'Maximum number of redirects to follow, on the same host.', format: 'nat', default: 0 },
  rateLimit: {
    doc: 'Maximum rate of requests; they are spread evenly.',
    optional: {
      requests: { doc: 'Number of requests.', format: 'positive number', default: null },
      per: { doc: 'Period.', format: 'positive duration', default: 1_000 },
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
      doc: 'A token issued by the receiver.',
      optional: { token: { doc: 'The token.', format: 'text', default: null, sensitive: true } },
    },
    oauth2: {
      doc: 'OAuth 2 client credentials: tokens are fetched, cached, and renewed before they expire.',
      optional: {
        tokenUrl: { doc: 'URL of the token endpoint.', format: 'http url', default: null, sensitive: true },
        clientId: { doc: 'Client id.', format: 'text', default: null },
        clientSecret: { doc: 'Client secret.', format: 'text', default: null, sensitive: true },
        clientAuth: {
          doc: 'How to send the secret to tokenUrl: in a header (basic), or in the body (post).',
          format: ['basic', 'post'],
          default: 'basic',
        },
        parameters: {
          doc: 'Additional parameters of the token request, such as scope and audience.',
          each: { doc: 'Value of a parameter.', format: 'text', default: null, sensitive: true },
        },
      },
    },
  },
  tls: {
    ...tlsOptions('receiver'),
    minVersion: { doc: 'Minimum TLS version.', format: ['TLSv1.2', 'TLSv1.3'], default: 'TLSv1.2' },
    verify: {
      doc: 'false: don’t verify the receiver’s certificate; anybody on the network path can then read and answer.',
      format: Boolean,
      default: true,
    },
  },
  proxy: proxyOption,
  http2: { doc: 'true: use HTTP/2 if the receiver offers it over TLS.', format: Boolean, default: true },
  allowPrivateNetworks: {
    doc: 'false: refuse addresses that are not public, such as private, loopback and link-local ones.',
    format: Boolean,
    default: true,
  },
};
