import { resolve } from 'node:path';
import type { KazooBroker } from '../../kazoo/config-ini.ts';

/** What `init` was told. */
export interface NewConfig {
  /** KAZOO's own configuration, or brokers. */
  readonly brokers: string | readonly Pick<KazooBroker, 'zone' | 'url'>[];
  /** Folder of the journal. */
  readonly journal: string;
  /** Each a file, an address of a webhook, a database, or `log`. */
  readonly sinks: readonly string[];
}

/** The text of a configuration, with comments about further options. */
export function newConfigText({ brokers, journal, sinks }: NewConfig): string {
  const names = namesOf(sinks);
  return `# The configuration of kazoo-relay, begun by "kazoo-relay init". docs/reference/configuration.md lists every option.
# After a change: "kazoo-relay check --connect" finds mistakes and tries brokers and sinks, "kazoo-relay reload" applies it.
# Passwords needn't stand here: any value may contain \${env:NAME}, \${file:/run/secrets/name} or \${credential:name}.

brokers:
${typeof brokers === 'string' ? kazooText(brokers) : brokers.map(brokerText).join('\n')}

# Keeps notifications until every route has delivered them.
journal:
  path: ${scalar(journal)}
  # retention: 30d           # for notifications that every route has settled
  # deadRetention: 90d       # for dead letters and quarantined notifications
  # maxSize: 10GiB

# Which notifications go where. A route has a name of your choice and one sink; docs/reference/routes.md has more.
routes:
${sinks.map((sink, index) => routeText(names[index] ?? '', sink)).join('\n')}
`;
}

function kazooText(file: string): string {
  return `  # Zones and brokers are read from KAZOO's own configuration; a change of that file is noticed.
  kazooConfig: ${scalar(file)}`;
}

function brokerText({ zone, url }: Pick<KazooBroker, 'zone' | 'url'>, index: number): string {
  const comment = '  # List every RabbitMQ of every KAZOO zone: they are not federated.\n';
  return `${index === 0 ? comment : ''}  - zone: ${scalar(zone)}\n    url: ${scalar(url)}`;
}

function routeText(name: string, sink: string): string {
  return `  ${name}:
    # events: [voicemail_*, missed_call]   # without it, all
    # accounts: []                         # without it, all
    sink:
${sinkLines(sink)
  .map((line) => `      ${line}`)
  .join('\n')}`;
}

function sinkLines(sink: string): string[] {
  switch (kindOf(sink)) {
    case 'log':
      return ['type: log'];
    case 'webhook':
      return [
        'type: webhook',
        `url: ${scalar(sink)}`,
        '# format: standard                   # signed; or another: see docs/reference/sinks/webhook.md',
        `# auth: { bearer: { token: '\${file:/run/secrets/token}' } }`,
      ];
    case 'database':
      return ['type: database', `url: ${scalar(sink)}`, '# table: notifications', '# retention: 90d'];
    default:
      return [
        'type: file',
        `path: ${scalar(resolve(sink))}`,
        '# keep: 14                           # rotated files, one a day',
      ];
  }
}

/** A route is named after what its sink is; the second of a kind gets a number. */
function namesOf(sinks: readonly string[]): string[] {
  const kinds = sinks.map(kindOf);
  return kinds.map((kind, index) => {
    const before = kinds.slice(0, index).filter((other) => other === kind).length;
    const name = kind === 'file' ? 'archive' : kind;
    return before === 0 ? name : `${name}-${before + 1}`;
  });
}

function kindOf(sink: string): 'log' | 'webhook' | 'database' | 'file' {
  if (sink === 'log') return 'log';
  if (/^https?:/i.test(sink)) return 'webhook';
  return /^(postgres(ql)?|mysql|mariadb|sqlite):/i.test(sink) ? 'database' : 'file';
}

/** JSON's strings are YAML's. */
function scalar(value: string): string {
  return JSON.stringify(value);
}
