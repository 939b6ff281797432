import type { OptionTree } from '../common/options/declare.ts';
import { tlsOptions } from '../common/options/tls-options.ts';

/** Every option of the file but its two lists; `doc` is its line in the reference. */
export const rootOptions: OptionTree = {
  include: {
    doc: 'Further files, with routes only, such as conf.d/*.yaml; relative to the folder of this file.',
    format: 'patterns',
    default: [],
  },
  name: {
    doc: 'Name of the daemon among those that share a journal; by default the host name of its machine.',
    format: 'daemon name',
    default: undefined,
  },
  queue: {
    name: { doc: 'Name of our queue on every broker.', format: 'queue name', default: 'kazoo-relay' },
    type: {
      doc: 'Queue type: classic; or quorum, if the broker is a cluster and messages should survive the loss of a node.',
      format: ['classic', 'quorum'],
      default: 'classic',
    },
    maxLength: {
      doc: 'Maximum number of messages in the queue; beyond it, the broker drops the oldest.',
      format: 'positive number',
      default: 100_000,
    },
    maxLengthBytes: { doc: 'Maximum size of the queue.', format: 'positive size', default: 128 * 1024 * 1024 },
    expires: {
      doc: 'Time without a consumer after which the broker deletes the queue.',
      format: 'positive duration',
      default: 86_400_000,
    },
    consumers: {
      doc: 'Number of daemons that are meant to consume from this queue; the daemon warns of more, who take notifications away.',
      format: 'positive number',
      default: 1,
    },
  },
  intake: {
    prefetch: {
      doc: 'Maximum number of unacknowledged messages from a broker.',
      format: 'prefetch',
      default: 1_000,
    },
    batch: {
      max: {
        doc: 'Maximum number of messages in one commit to the journal.',
        format: 'positive number',
        default: 500,
      },
      linger: {
        doc: 'Time after a commit for which messages wait to be committed together; after a longer pause, a message is committed at once.',
        format: 'duration',
        default: 3,
      },
    },
    maxBodySize: {
      doc: 'Maximum size of an unpacked body; a larger one is undecodable.',
      format: 'positive size',
      default: 1024 * 1024,
    },
    maxBodyMembers: {
      doc: 'Maximum number of object members and array elements in a body; a body with more is undecodable.',
      format: 'positive number',
      default: 20_000,
    },
    heartbeat: {
      doc: 'AMQP heartbeat; the connection is closed when the broker is silent for two heartbeats.',
      format: 'heartbeat',
      default: 5_000,
    },
    connectTimeout: {
      doc: 'Time limit for opening a connection; if the host has several addresses, each has a third of it.',
      format: 'positive duration',
      default: 10_000,
    },
    watch: {
      interval: {
        doc: 'Time between two checks of our queue by the stall watch; the next check also binds a deleted exchange again.',
        format: 'positive duration',
        default: 2_000,
      },
      stalledAfter: {
        doc: 'Time for which messages may wait without progress before the daemon reconnects.',
        format: 'positive duration',
        default: 30_000,
      },
    },
  },
  journal: {
    path: {
      doc: 'Folder of the journal; if it is missing, the daemon creates it, accessible only to its owner.',
      format: 'path',
      default: '/var/lib/kazoo-relay',
    },
    url: {
      doc: 'Instead of path: postgres://user:password@host:5432/database of a journal that several daemons share. Further hosts with commas: host1:5432,host2:5432. TLS as in libpq: ?sslmode=verify-full&sslrootcert=/path.',
      format: 'journal url',
      default: undefined,
      sensitive: true,
    },
    schema: {
      doc: 'Schema of the shared journal in its database; if it is missing, the daemon creates it.',
      format: 'sql name',
      default: 'kazoo_relay',
    },
    spool: {
      doc: 'Folder on this machine, required with url: while the database can’t be reached, notifications are committed there.',
      format: 'path',
      default: undefined,
    },
    spoolSize: {
      doc: 'Maximum size of what waits in spool; at this size intake pauses.',
      format: 'positive size',
      default: 2 ** 30,
    },
    retention: {
      doc: 'Time for which notifications are kept that every route is done with, and what became of their deliveries.',
      format: 'age',
      default: 30 * 86_400_000,
    },
    deadRetention: {
      doc: 'Time for which dead letters and quarantined notifications are kept.',
      format: 'age',
      default: 90 * 86_400_000,
    },
    maxSize: {
      doc: 'Maximum size: at this size notifications that every route is done with are removed regardless of age; if there are none, intake pauses.',
      format: 'positive size',
      default: 10 * 2 ** 30,
    },
    invalidShare: {
      doc: 'Maximum share of maxSize for undecodable and invalid notifications; beyond it, the oldest of them are removed.',
      format: 'share',
      default: 0.25,
    },
  },
  memory: {
    buffers: {
      doc: 'Maximum memory for notifications in work: at intake, read from the journal, and with the sinks; at this size less is read.',
      format: 'positive size',
      default: 32 * 1024 * 1024,
    },
  },
  validation: {
    schemas: {
      doc: 'Folders of your own JSON Schemas, named <event>.json; later folders override earlier ones.',
      format: 'paths',
      default: [],
    },
    accept: {
      doc: 'By event, or a pattern of events: JSON Pointers into the body, such as /voicemail_transcription. Problems there or below don’t count.',
      each: { doc: 'Pointers; * stands for any one key or index.', format: 'pointers', default: null },
    },
  },
  expect: {
    doc: 'Events that usually come: if one does not come for too long, an alarm is raised (an event of the daemon itself, a metric, a line of the log).',
    items: {
      event: { doc: 'Event of the catalogue, or a pattern such as voicemail_*.', format: 'text', default: null },
      within: { doc: 'Longest time in which none of them may come.', format: 'positive duration', default: null },
      zone: { doc: 'Only those of this zone.', format: 'text', default: undefined },
      hours: {
        doc: 'Only this time counts, by the local clock: Mon-Fri, 08:00-18:00, or Mon-Fri 08:00-18:00.',
        format: 'hours',
        default: undefined,
      },
    },
    default: [],
  },
  log: {
    level: {
      doc: "Level of the daemon's own log.",
      flag: 'log-level',
      format: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      default: 'info',
    },
    format: {
      doc: 'json; pretty; or auto, which is pretty on a terminal.',
      flag: 'log-format',
      format: ['auto', 'json', 'pretty'],
      default: 'auto',
    },
  },
  http: {
    listen: {
      doc: 'Where the daemon serves HTTP (/metrics, /livez, /readyz, /status): address and port, the path of a Unix socket (mode 0660), or off.',
      format: 'listen',
      default: '127.0.0.1:9400',
    },
    hosts: {
      doc: "Host names that requests may use, in addition to addresses, localhost and the machine's own name; others are refused.",
      format: 'names',
      default: [],
    },
    access: {
      metrics: {
        doc: 'Whether /metrics, /status, /livez, /readyz and /log-level answer everybody (open), or users alone (login: HTTP Basic, or the session of the page).',
        format: ['open', 'login'],
        default: 'open',
      },
      users: {
        doc: 'Who may log in to the page with a password. "kazoo-relay page" lets in the user of the daemon and root without one.',
        items: {
          name: { doc: 'Name of the user.', format: 'text', default: null },
          role: {
            doc: 'reader sees everything; operator acts too.',
            format: ['reader', 'operator'],
            default: 'reader',
          },
          password: {
            doc: 'Hash of the password, as "kazoo-relay user" prints it.',
            format: 'password hash',
            sensitive: true,
            default: null,
          },
        },
        default: [],
      },
    },
  },
  shutdown: {
    timeout: { doc: 'Maximum time for finishing deliveries in flight at a stop.', format: 'duration', default: 8_000 },
  },
};

const brokerTls = tlsOptions('broker');

/** An element of `brokers`. An option whose default is null must be given. */
export const brokerOptions: OptionTree = {
  zone: {
    doc: 'KAZOO zone of the broker; each of its notifications gets this zone.',
    format: 'text',
    default: null,
  },
  url: {
    doc: 'amqp:// or amqps:// with user and password, and the URI parameters of RabbitMQ’s own clients.',
    format: 'amqp url',
    default: null,
    sensitive: true,
  },
  tls: { doc: 'TLS for amqps://. The files are read at each connection.', optional: brokerTls },
};

/** What may stand in place of the list of `brokers`. */
export const kazooConfigOptions: OptionTree = {
  kazooConfig: {
    doc: 'KAZOO’s config.ini, from which zones and AMQP URIs are read.',
    format: 'path',
    default: null,
  },
  localZone: {
    doc: 'Zone of the URIs in its section [amqp] that are in no section [zone].',
    format: 'text',
    default: 'local',
  },
  tls: {
    doc: 'TLS for its URIs that begin with amqps://. The files are read at each connection.',
    optional: brokerTls,
  },
};

/** A value of `routes`, beside its `sink`. */
export const routeOptions: OptionTree = {
  host: {
    doc: 'With a shared journal: name of the only daemon that may run this route, such as one whose disk has the file.',
    format: 'daemon name',
    default: undefined,
  },
  every: {
    doc: 'With a shared journal, true: each daemon runs this route by itself, and delivers what it took from the brokers itself.',
    format: Boolean,
    default: false,
  },
  events: {
    doc: 'Event names, or patterns such as voicemail_*; an empty list selects all of KAZOO. relay_* are the events of the daemon itself.',
    format: 'names',
    default: [],
  },
  accounts: { doc: 'Account ids; an empty list selects all.', format: 'names', default: [] },
  zones: { doc: 'Zones; an empty list selects all.', format: 'names', default: [] },
  previews: {
    doc: 'What to do with previews of e-mail templates, which are no events.',
    format: ['skip', 'deliver'],
    default: 'skip',
  },
  invalid: {
    doc: "What to do with notifications that don't fit the schema of their event.",
    format: ['quarantine', 'deliver'],
    default: 'quarantine',
  },
  resends: {
    doc: 'What to do with notifications that KAZOO publishes again because nobody confirmed them.',
    format: ['skip', 'deliver'],
    default: 'skip',
  },
  unknown: {
    doc: "What to do with events that the catalogue doesn't have.",
    format: ['deliver', 'quarantine'],
    default: 'deliver',
  },
  where: {
    doc: 'CEL condition on the envelope, such as data.caller_id_number.startsWith("+49"). If it can\'t be evaluated, it is not fulfilled.',
    format: 'text',
    default: undefined,
  },
  start: {
    doc: 'Where a new route begins in the journal: now, earliest, or a time such as 2026-11-24T10:00:00Z.',
    format: 'start',
    default: 'now',
  },
  reveal: {
    doc: 'Secrets that this route gets unmasked, as paths into the body: password, details.request_headers.',
    format: 'names',
    default: [],
  },
  shape: {
    doc: 'What the sink gets of the envelope: first pick, then omit, then set. Paths are dotted, such as data.to; * is every key or element.',
    optional: {
      pick: { doc: 'Paths to keep, in addition to the id; an empty list keeps all.', format: 'names', default: [] },
      omit: { doc: 'Paths to remove.', format: 'names', default: [] },
      set: {
        doc: 'Values to add, by dotted path: below data, or at the top level under a name of your own.',
        each: { doc: 'Text, a number, true, false, or a list.', format: '*', default: null },
      },
    },
  },
  order: {
    doc: 'account: notifications of an account are delivered one at a time and in order, also across retries.',
    format: ['none', 'account'],
    default: 'none',
  },
  digest: {
    doc: 'Delivers what has come in a period as one message, to a sink that can do that, such as a webhook with a preset.',
    optional: {
      every: {
        doc: 'Length of a period, from 1m to 1d. Those of 15m end at 10:00, 10:15, …; of 1d, at midnight UTC.',
        format: 'period',
        default: null,
      },
      per: {
        doc: 'account: one message for each account; route: one for all of them.',
        format: ['account', 'route'],
        default: 'account',
      },
    },
  },
  retry: {
    schedule: {
      doc: 'Maximum pauses between the attempts of a delivery, each shortened at random; after the last attempt it is dead.',
      items: { doc: 'A pause.', format: 'duration', default: null },
      default: [5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, 43_200_000],
    },
    maxWait: {
      doc: 'Maximum wait that a sink may request (Retry-After).',
      format: 'duration',
      default: 86_400_000,
    },
  },
  circuit: {
    failures: {
      doc: 'Consecutive failures that open the circuit, at most the number of `retry.schedule` entries; or equal refusals (401, 403, 404).',
      format: 'positive number',
      default: 5,
    },
    maxPause: {
      doc: 'Maximum pause between probes of an unavailable sink.',
      format: 'positive duration',
      default: 60_000,
    },
  },
  timeout: {
    doc: 'Time limit for one attempt of a sink.',
    format: 'positive duration',
    default: 60_000,
  },
};
