import amqp, { type ChannelModel } from 'amqplib';
import { patienceFor } from '../common/net/addresses.ts';
import { parametersOf } from '../common/net/amqp-url.ts';
import { readTls, type TlsFiles } from '../common/net/tls.ts';
import { explainConnecting } from './explain.ts';
import { credentialsOf } from './login.ts';

export interface DialOptions {
  /** For `amqps:`. */
  readonly tls?: TlsFiles | undefined;
  /** Seconds; a peer that is silent for two to three of them is given up. The broker's own where it is left out. */
  readonly heartbeat?: number;
  /** Milliseconds until a connection must be open. */
  readonly connectTimeout: number;
  /** What the broker shows in its list of connections. */
  readonly name?: string;
}

/**
 * Opens a connection of amqplib. What the parameters of the URL say goes before the options, but for those of TLS.
 * @param url `amqp:` or `amqps:`
 * @throws what a file of `tls`, the socket or the broker said; it never names the password
 */
export async function dial(url: string, { tls, name, ...options }: DialOptions): Promise<ChannelModel> {
  const target = new URL(url);
  const given = parametersOf(target);
  const { heartbeat = options.heartbeat, connectTimeout = options.connectTimeout, frameMax, channelMax } = given;
  target.search = '';
  for (const [parameter, value] of Object.entries({ heartbeat, frameMax, channelMax })) {
    if (value !== undefined) target.searchParams.set(parameter, String(value));
  }
  const settings = {
    ...readTls({
      ca: tls?.ca ?? given.ca,
      cert: tls?.cert ?? given.cert,
      key: tls?.key ?? given.key,
      serverName: tls?.serverName ?? given.serverName,
    }),
    // Said in any case: an environment with NODE_TLS_REJECT_UNAUTHORIZED=0 must not leave it out.
    rejectUnauthorized: given.verify !== false,
    ...patienceFor(connectTimeout),
    timeout: connectTimeout,
    noDelay: true,
    credentials: credentialsOf(target),
    ...(name !== undefined && { clientProperties: { connection_name: name } }),
  };
  return amqp.connect(target.href, settings).catch((error) => {
    throw explainConnecting(error, target);
  });
}
