import type { OptionTree } from '../common/options/declare.ts';

/** Every option of the file but its two lists; `doc` is its line in the reference. */
export const rootOptions: OptionTree = {
  include: {
    doc: 'Further files with routes, such as conf.d/*.yaml; relative to the folder of this file. They hold routes and nothing else.',
    format: 'patterns',
    default: [],
  },
  queue: {
    name: { doc: 'Name of our queue on every broker.', format: 'queue name', default: 'kazoo-relay' },
    type: {
      doc: 'classic, or quorum where the broker is a cluster and messages should survive the loss of a node.',
      format: ['classic', 'quorum'],
      default: 'classic',
    },
    maxLength: {
      doc: 'Messages that the queue holds at most; the oldest are dropped beyond it.',
      format: 'positive number',
      default: 100_000,
    },
    maxLengthBytes: { doc: 'Size that the queue has at most.', format: 'positive size', default: 128 * 1024 * 1024 },
    expires: {
      doc: 'Time without a consumer after which the broker deletes the queue.',
      format: 'positive duration',
      default: 86_400_000,
    },
  },
  intake: {
    prefetch: {
      doc: 'Messages that a broker may send ahead of their acknowledgement.',
      format: 'prefetch',
      default: 1_000,
    },
    batch: {
      max: {
        doc: 'Messages that are committed to the journal together, at most.',
        format: 'positive number',
        default: 500,
      },
      linger: {
        doc: 'Time after a commit for which messages wait to be committed together; after a pause, none waits.',
        format: 'duration',
        default: 3,
      },
    },
    maxBodySize: {
      doc: 'Size of a body, unpacked, beyond which it counts as undecodable.',
      format: 'positive size',
      default: 1024 * 1024,
    },
    maxBodyMembers: {
      doc: 'Members of objects and elements of arrays, together, beyond which a body counts as undecodable.',
      format: 'positive number',
      default: 20_000,
    },
    heartbeat: {
      doc: 'AMQP heartbeat; a broker that is silent for two of them is given up.',
      format: 'heartbeat',
      default: 5_000,
    },
    connectTimeout: {
      doc: 'Time within which a connection must be open; of several addresses, each has a third of it.',
      format: 'positive duration',
      default: 10_000,
    },
    watch: {
      interval: {
        doc: 'Time between two looks of the stall watch at our queue; a deleted exchange is bound again at the next one.',
        format: 'positive duration',
        default: 2_000,
      },
      stalledAfter: {
        doc: 'Time for which messages may wait while nothing moves, until the connection is made anew.',
        format: 'positive duration',
        default: 30_000,
      },
    },
  },
  journal: {
    path: {
      doc: 'Folder of the journal; it is made, for its owner only, where it is missing.',
      format: 'path',
      default: '/var/lib/kazoo-relay',
    },
    retention: {
      doc: 'Time for which notifications are kept that every route has settled.',
      format: 'age',
      default: 30 * 86_400_000,
    },
    deadRetention: {
      doc: 'Time for which dead letters and quarantined notifications are kept.',
      format: 'age',
      default: 90 * 86_400_000,
    },
    maxSize: {
      doc: 'Size at which what is settled is removed whatever its age; with nothing to remove, intake pauses.',
      format: 'positive size',
      default: 10 * 2 ** 30,
    },
    invalidShare: {
      doc: 'Share of maxSize that undecodable and invalid notifications may have; then the oldest of them are removed.',
      format: 'share',
      default: 0.25,
    },
  },
  validation: {
    schemas: {
      doc: 'Folders of JSON Schemas of your own, named <event>.json; later ones win.',
      format: 'paths',
      default: [],
    },
  },
  log: {
    level: {
      doc: "Level of the daemon's own log.",
      flag: 'log-level',
      format: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      default: 'info',
    },
    format: {
      doc: 'json, pretty, or auto: pretty on a terminal.',
      flag: 'log-format',
      format: ['auto', 'json', 'pretty'],
      default: 'auto',
    },
  },
  http: {
    listen: {
      doc: 'Where the daemon answers HTTP (/metrics, /livez, /readyz, /status): an address and a port, the path of a Unix socket, or off.',
      format: 'listen',
      default: '127.0.0.1:9400',
    },
    hosts: {
      doc: "Names by which it may be asked, beside addresses, localhost and the machine's own name: others are refused.",
      format: 'names',
      default: [],
    },
  },
  shutdown: {
    timeout: { doc: 'Time that a stop may take to finish what is in flight.', format: 'duration', default: 8_000 },
  },
};

const brokerTls: OptionTree = {
  ca: { doc: 'File of the CAs to trust (PEM), in place of the built-in ones.', format: 'path', default: undefined },
  cert: {
    doc: 'File of our certificate (PEM), where the broker asks for one.',
    format: 'path',
    default: undefined,
  },
  key: { doc: 'File of its key (PEM).', format: 'path', default: undefined },
  serverName: {
    doc: "Name that the broker's certificate must have, where it isn't the host of the url.",
    format: 'text',
    default: undefined,
  },
};

/** An element of `brokers`. An option whose default is null must be given. */
export const brokerOptions: OptionTree = {
  zone: {
    doc: 'The KAZOO zone that the broker belongs to: each notification is stamped with it.',
    format: 'text',
    default: null,
  },
  url: {
    doc: 'amqp:// or amqps:// with user and password, and the parameters of RabbitMQ’s own clients.',
    format: 'amqp url',
    default: null,
    sensitive: true,
  },
  tls: { doc: 'For amqps://. The files are read at each connection.', optional: brokerTls },
};

/** What may stand in place of the list of `brokers`. */
export const kazooConfigOptions: OptionTree = {
  kazooConfig: {
    doc: 'KAZOO’s own config.ini, whose zones and AMQP URIs are taken.',
    format: 'path',
    default: null,
  },
  localZone: {
    doc: 'Zone of the URIs in its section [amqp], where no section [zone] has them too.',
    format: 'text',
    default: 'local',
  },
  tls: { doc: 'For its URIs that begin with amqps://. The files are read at each connection.', optional: brokerTls },
};

/** A value of `routes`, beside its `sink`. */
export const routeOptions: OptionTree = {
  events: {
    doc: 'Names of events, or patterns such as voicemail_*; an empty list is all.',
    format: 'names',
    default: [],
  },
  accounts: { doc: 'Account ids; an empty list is all.', format: 'names', default: [] },
  zones: { doc: 'Zones; an empty list is all.', format: 'names', default: [] },
  previews: { doc: 'Previews of e-mail templates, which are no events.', format: ['skip', 'deliver'], default: 'skip' },
  invalid: {
    doc: "What doesn't fit the schema of its event.",
    format: ['quarantine', 'deliver'],
    default: 'quarantine',
  },
  resends: { doc: 'What KAZOO published before and nobody confirmed.', format: ['skip', 'deliver'], default: 'skip' },
  unknown: { doc: "Events that the catalogue doesn't have.", format: ['deliver', 'quarantine'], default: 'deliver' },
  where: {
    doc: 'A condition in CEL over the envelope: data.caller_id_number.startsWith("+49"). One that fails is not fulfilled.',
    format: 'text',
    default: undefined,
  },
  start: {
    doc: 'Where a new route begins: now, earliest, or a time such as 2026-11-24T10:00:00Z.',
    format: 'start',
    default: 'now',
  },
  reveal: {
    doc: 'Secrets that this route gets in clear, as paths into the body: password, details.request_headers.',
    format: 'names',
    default: [],
  },
  shape: {
    doc: 'What the sink gets of the envelope: pick, then omit, then set. Paths are dotted, such as data.to; * is every key or element.',
    optional: {
      pick: { doc: 'Paths that are left over, beside the id; an empty list is all.', format: 'names', default: [] },
      omit: { doc: 'Paths that are left out.', format: 'names', default: [] },
      set: {
        doc: 'Values to put in: dotted paths, below data or at the top under a name of your own, and what stands there.',
        each: { doc: 'Text, a number, true, false, or a list.', format: '*', default: null },
      },
    },
  },
  order: {
    doc: 'account: notifications of one account go out one at a time and in their order, also across retries.',
    format: ['none', 'account'],
    default: 'none',
  },
  retry: {
    schedule: {
      doc: 'Pauses between the tries of one notification, each a random part of what stands here; after the last one it is dead.',
      items: { doc: 'A pause.', format: 'duration', default: null },
      default: [5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, 43_200_000],
    },
    maxWait: {
      doc: 'How long a sink may ask to wait (Retry-After).',
      format: 'duration',
      default: 86_400_000,
    },
  },
  circuit: {
    failures: {
      doc: 'Attempts in a row that fail, after which the sink counts as away; where `retry.schedule` has fewer pauses, so many.',
      format: 'positive number',
      default: 5,
    },
    maxPause: {
      doc: 'What the pauses between probes of a sink that is away grow to.',
      format: 'positive duration',
      default: 60_000,
    },
  },
  timeout: {
    doc: 'Time that a sink may take for one attempt.',
    format: 'positive duration',
    default: 60_000,
  },
};
