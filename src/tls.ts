import { codeOf, fileReasonOf, reasonOf } from './errors.ts';
import { readNamedFile } from './file.ts';

/** Files (PEM) and names for a connection over TLS; what is left out is Node's default. */
export interface TlsFiles {
  /** The CAs to trust, in place of the built-in ones. */
  readonly ca?: string | undefined;
  /** Our own certificate, and its key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name that the peer's certificate must have, where it isn't the host of the URL. */
  readonly serverName?: string | undefined;
}

/** What Node's `tls.connect` takes. */
interface TlsOptions {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly servername?: string;
}

/**
 * Reads the files, each time: a certificate that was renewed is used from the next connection on.
 * @throws Error that names the option and the file, when one can't be read
 */
export function readTls({ ca, cert, key, serverName }: TlsFiles = {}): TlsOptions {
  return {
    ...(ca !== undefined && { ca: readPem('tls.ca', ca) }),
    ...(cert !== undefined && { cert: readPem('tls.cert', cert) }),
    ...(key !== undefined && { key: readPem('tls.key', key) }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}

/** @param option names it in an error @throws Error that names both */
export function readPem(option: string, path: string): Buffer {
  try {
    const pem = readNamedFile(path);
    // As the CA of nobody, it would be taken without a word.
    if (pem.length === 0) throw new Error('it is empty');
    return pem;
  } catch (cause) {
    throw new Error(`the file of ${option}, ${path}, can't be read: ${fileReasonOf(cause)}`, { cause });
  }
}

/** An error of a handshake, with the option that mends it where OpenSSL's words leave that open. */
export function explainTls(error: unknown): Error {
  const reason = reasonOf(error).replace(openSslMessage, 'TLS: $1').replace(adviceOfNode, '');
  const code = codeOf(error) ?? '';
  const hint = hints.find(({ codes }) => codes.test(code))?.hint;
  return new Error(hint === undefined ? reason : `${reason} (${hint})`, { cause: error });
}

/** OpenSSL's own form: numbers, library, function, reason, its source file and line. */
const openSslMessage = /^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]*):.*$/s;

/** What Node adds to some of them: nobody starts this Node by hand. */
const adviceOfNode = /; if the root CA is installed locally, try running Node\.js with --use-system-ca$/;

const hints = [
  {
    codes:
      /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?))$/,
    hint: 'tls.ca names the file of a CA of your own',
  },
  { codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/, hint: 'tls.serverName is the name that it has' },
  {
    codes: /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|UNKNOWN_CA|BAD_CERTIFICATE/,
    hint: 'the other side asks for a certificate of ours that it trusts: tls.cert and tls.key',
  },
  { codes: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/, hint: 'no TLS is spoken on this port' },
  { codes: /^ERR_OSSL_/, hint: 'one of the files of tls is no PEM, or the key is of another certificate' },
];
