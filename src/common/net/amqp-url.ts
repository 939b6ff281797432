// As a namespace, for the global function of the same name makes two characters of one that has two bytes.
import querystring from 'node:querystring';

/** The virtual host that the URL of a broker names, as amqplib reads it: a `%` that means nothing stays. */
export function vhostOf({ pathname }: URL): string {
  return pathname.length > 1 ? querystring.unescape(pathname.slice(1)) : '/';
}

/** Who we are at the broker; RabbitMQ's own `guest` where the URL doesn't say. */
export function loginOf({ username, password }: URL): { user: string; password: string } {
  if (username === '' && password === '') return { user: 'guest', password: 'guest' };
  return { user: querystring.unescape(username), password: querystring.unescape(password) };
}

/** The parameters of a broker's URL, without those that are missing. */
export interface BrokerParameters {
  /** Seconds; 0 is none. */
  readonly heartbeat?: number;
  /** Milliseconds. */
  readonly connectTimeout?: number;
  /** Bytes; 0 is no limit. */
  readonly frameMax?: number;
  /** 0 is no limit. */
  readonly channelMax?: number;
  /** Files in PEM. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that the broker's certificate must have. */
  readonly serverName?: string;
  /** False where the broker's certificate isn't checked. */
  readonly verify?: boolean;
}

/**
 * Reads them as RabbitMQ's own client does, which is KAZOO's, and by the names that amqplib has for the same.
 * @throws Error that names one that can't be honoured, without its value
 */
export function parametersOf({ protocol, searchParams }: URL): BrokerParameters {
  const read = [...searchParams].map(([name, value]) => {
    const parameter = parameters[name];
    if (parameter === undefined) {
      throw new Error(`has the parameter ${name}; there are ${Object.keys(parameters).join(', ')}`);
    }
    if (parameter.isTls && protocol === 'amqp:') {
      throw new Error(`has the parameter ${name}, which amqp:// does not use; TLS is amqps://`);
    }
    const found = parameter.read(value);
    if (found === undefined) throw new Error(`has the parameter ${name}, which must be ${parameter.wanted}`);
    return found;
  });
  if (searchParams.has('certfile') !== searchParams.has('keyfile'))
    throw new Error('needs certfile and keyfile, or neither');
  // Of one that is there twice the first counts, as in amqplib.
  return Object.assign({}, ...read.toReversed());
}

interface Parameter {
  /** Undefined where it can't be honoured. */
  read(value: string): BrokerParameters | undefined;
  readonly wanted: string;
  readonly isTls?: true;
}

function number(
  key: 'heartbeat' | 'connectTimeout' | 'frameMax' | 'channelMax',
  least: number,
  most: number,
): Parameter {
  const mayBeNone = key !== 'connectTimeout';
  return {
    wanted: `${mayBeNone ? '0 or ' : ''}a whole number from ${least} to ${most}`,
    read(value) {
      const given = /^\d{1,9}$/.test(value) ? Number(value) : -1;
      return (given >= least && given <= most) || (given === 0 && mayBeNone) ? { [key]: given } : undefined;
    },
  };
}

function text(key: 'ca' | 'cert' | 'key' | 'serverName', wanted: string): Parameter {
  return { wanted, isTls: true, read: (value) => (value === '' ? undefined : { [key]: value }) };
}

function oneOf(values: ReadonlyMap<string, BrokerParameters>): Parameter {
  return { wanted: [...values.keys()].join(' or '), read: (value) => values.get(value) };
}

const seconds = number('heartbeat', 1, 3_600);
const milliseconds = number('connectTimeout', 1, 3_600_000);
/** AMQP's own smallest frame; one that is larger than the largest would be held in memory whole. */
const frameMax = number('frameMax', 4_096, 16 * 1024 * 1024);
/** There are several at a time. */
const channelMax = number('channelMax', 8, 65_535);

const parameters: Readonly<Record<string, Parameter>> = {
  heartbeat: seconds,
  connection_timeout: milliseconds,
  frame_max: frameMax,
  frameMax,
  channel_max: channelMax,
  channelMax,
  cacertfile: text('ca', 'the path of a file'),
  certfile: text('cert', 'the path of a file'),
  keyfile: text('key', 'the path of a file'),
  server_name_indication: text('serverName', 'a name'),
  verify: {
    ...oneOf(
      new Map([
        ['verify_peer', { verify: true }],
        ['verify_none', { verify: false }],
      ]),
    ),
    isTls: true,
  },
  // A server asks its clients for it; to a client it says nothing.
  fail_if_no_peer_cert: {
    ...oneOf(
      new Map([
        ['true', {}],
        ['false', {}],
      ]),
    ),
    isTls: true,
  },
  auth_mechanism: oneOf(new Map([['plain', {}]])),
  locale: oneOf(new Map([['en_US', {}]])),
};
