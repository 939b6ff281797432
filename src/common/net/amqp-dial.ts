import amqp, { type ChannelModel } from 'amqplib';
import { reasonOf } from '../errors.ts';
import { addressAttemptTimeout } from './addresses.ts';
import { loginOf, parametersOf, vhostOf } from './amqp-url.ts';
import { explainTls, readTls, type TlsFiles } from './tls.ts';

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
    ...addressAttemptTimeout(connectTimeout),
    timeout: connectTimeout,
    noDelay: true,
    credentials: credentialsOf(target),
    ...(name !== undefined && { clientProperties: { connection_name: name } }),
  };
  return amqp.connect(target.href, settings).catch((error) => {
    throw explainConnecting(error, target);
  });
}

/** For the options of `amqp.connect`, which by itself reads a letter beyond ASCII in a user or a password as two others. */
function credentialsOf(url: URL): ReturnType<typeof amqp.credentials.plain> {
  const { user, password } = loginOf(url);
  return amqp.credentials.plain(user, password);
}

/** An error of `amqp.connect`, in words that say what to do where amqplib only names the bytes that it got. */
function explainConnecting(error: unknown, url: URL): unknown {
  const reason = reasonOf(error);
  if (/^Expected ConnectionOpenOk; got <ConnectionClose/.test(reason)) {
    return new Error(
      `the broker refuses the virtual host "${vhostOf(url)}": there is none of this name, or this user may not use it ` +
        '(rabbitmqctl set_permissions), or no more connections are allowed',
      { cause: error },
    );
  }
  if (/ACCESS.REFUSED/.test(reason)) {
    const refusal = new Error(
      `the broker refuses user ${loginOf(url).user} or its password (ACCESS_REFUSED); KAZOO's brokers forget users at a restart: ` +
        'add the user again, with its permissions',
      { cause: error },
    );
    // AMQP's reply code, as on a channel.
    return Object.assign(refusal, { code: 403 });
  }
  if (/^Frame size \d+ exceeds/.test(reason)) {
    return new Error('the server there does not speak AMQP: is this the right port (usually 5672)?', { cause: error });
  }
  return url.protocol === 'amqps:' ? explainTls(error) : error;
}
