import type { TlsFiles } from '../net/tls.ts';
import type { OptionRule, OptionTree } from './declare.ts';

/** Those of a connection over TLS, as `TlsFiles` has them. @param who is at the other end, such as `broker` */
export function tlsOptions(who: string): OptionTree {
  return {
    ca: {
      doc: 'File with the CAs to trust (PEM); it replaces Node’s built-in ones. The system’s are not used.',
      format: 'path',
      default: undefined,
    },
    cert: {
      doc: `File with the client certificate (PEM), if the ${who} requires one.`,
      format: 'path',
      default: undefined,
    },
    key: { doc: 'File with its key (PEM).', format: 'path', default: undefined },
    serverName: {
      doc: `Name that the ${who}’s certificate must have, if it isn’t the host of the url.`,
      format: 'text',
      default: undefined,
    },
  };
}

/** A certificate is of no use without its key. */
export const certificateWithKey: OptionRule<{ readonly tls: Pick<TlsFiles, 'cert' | 'key'> }> = ({ tls }) =>
  (tls.cert === undefined) === (tls.key === undefined)
    ? []
    : [{ path: ['tls'], message: 'needs cert and key, or neither' }];

/** Another URL would pass over what they say. @param scheme of a URL over TLS, such as `tls` */
export function tlsOnlyWith(scheme: string): OptionRule<{ readonly url: string; readonly tls: TlsFiles }> {
  return ({ url, tls }) =>
    url.trim().toLowerCase().startsWith(`${scheme}:`)
      ? []
      : Object.entries(tls).flatMap(([name, value]) =>
          value === undefined
            ? []
            : [{ path: ['tls', name], message: `is only for a url that begins with ${scheme}://` }],
        );
}
