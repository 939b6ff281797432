import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { codeOf, reasonOf } from '../errors.ts';
import { fileReasonOf } from '../fs/fs-errors.ts';
import { readNamedFile } from '../fs/named-file.ts';

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

/** What Node's `tls.connect` takes: texts in PEM, and a name. */
interface TlsOptions extends Pems {
  readonly servername?: string;
}

interface Pems {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads the files, each time: a certificate that was renewed is used from the next connection on.
 * @throws Error that names the option and the file, when one can't be used
 */
export function readTls({ serverName, ...files }: TlsFiles = {}): TlsOptions {
  const pems = readPems(files, { ca: 'tls.ca', cert: 'tls.cert', key: 'tls.key' });
  return { ...pems, ...(serverName !== undefined && { servername: serverName }) };
}

/** @param options name the files in an error @throws Error that names the option and the file, when one can't be used */
export function readPems(
  { ca, cert, key }: Omit<TlsFiles, 'serverName'>,
  options: Readonly<Record<keyof Pems, string>>,
): Pems {
  const pems = {
    ...(ca !== undefined && { ca: readPem(options.ca, ca, certificateIn) }),
    ...(cert !== undefined && { cert: readPem(options.cert, cert, certificateIn) }),
    ...(key !== undefined && { key: readPem(options.key, key, keyIn) }),
  };
  if (pems.cert === undefined || pems.key === undefined) return pems;
  if (certificateIn(pems.cert).checkPrivateKey(keyIn(pems.key))) return pems;
  throw new Error(
    `the file of ${options.key}, ${key}, has the key of another certificate than that of ${options.cert}`,
  );
}

/** @param use throws where the file holds nothing usable, which Node would accept silently */
function readPem(option: string, path: string, use: (pem: string) => unknown): string {
  const fail = (what: string, cause: unknown) =>
    new Error(`the file of ${option}, ${path}, can't be ${what}: ${fileReasonOf(cause)}`, { cause });
  let pem: string;
  try {
    pem = readNamedFile(path).toString();
    if (pem === '') throw new Error('it is empty');
  } catch (cause) {
    throw fail('read', cause);
  }
  try {
    use(pem);
    return pem;
  } catch (cause) {
    throw fail('used', cause);
  }
}

/** The first one. @throws Error */
function certificateIn(pem: string): X509Certificate {
  if (!/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(pem)) throw new Error('it holds no certificate in PEM');
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Error('its certificate is damaged', { cause });
  }
}

/** @throws Error */
function keyIn(pem: string): KeyObject {
  if (!/-----BEGIN ([A-Z]+ )*PRIVATE KEY-----/.test(pem)) throw new Error('it holds no private key in PEM');
  if (/^(-----BEGIN |Proc-Type: 4,)ENCRYPTED/m.test(pem)) {
    throw new Error('its key has a passphrase (openssl pkey writes it without)');
  }
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new Error('its key is damaged', { cause });
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

/** Node's advice in some of them, which doesn't apply: nobody starts this Node by hand. */
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
  { codes: /^ERR_OSSL_/, hint: 'one of the files of tls is damaged' },
];
