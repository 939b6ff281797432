import { eventNamed } from './catalogue.ts';
import type { EventDefinition, EventField } from './event.ts';
import { announced, optional, required } from './events/define.ts';

/** The category of what the daemon tells of itself. KAZOO has none of that name, and an unknown event has none at all. */
export const relayCategory = 'relay';

/** What the names of these events begin with. */
export const relayPrefix = 'relay_';

const message = required('message', 'Message', 'string', 'what happened, in a sentence for people');
const since = required('since', 'Since', 'string', 'when that began, as RFC 3339 says it in UTC');
const route = required('route', 'Route', 'string', 'name of the route');
const sink = required('sink', 'Sink', 'string', 'type of its sink');
const broker = required('broker', 'Broker', 'string', 'host and port of the broker');
const zone = required('zone', 'Zone', 'string', 'zone of the broker');
const reason = optional('reason', 'Reason', 'string', 'why, where that is known');
const seconds = required('seconds', 'Seconds', 'integer', 'how long that was');
const count = required('count', 'Count', 'integer', 'how many came since the last such notification');
const total = required('total', 'Total', 'integer', 'how many there are now');

/** What the daemon tells of itself, beside KAZOO's catalogue. Their bodies have the form of KAZOO's. */
export const relayEvents: readonly EventDefinition[] = [
  define('relay_broker_away', 'Broker away', 'A broker has been away for a minute', [broker, zone, reason, since], {
    Broker: 'rabbit.example.com:5672',
    Zone: 'west',
    Reason: 'ECONNREFUSED',
    Since: '2026-11-24T10:00:00.000Z',
    Message: 'Nothing comes from the broker rabbit.example.com:5672 (zone west): ECONNREFUSED',
  }),
  define('relay_broker_back', 'Broker back', 'A broker is back for a minute', [broker, zone, since, seconds], {
    Broker: 'rabbit.example.com:5672',
    Zone: 'west',
    Since: '2026-11-24T10:00:00.000Z',
    Seconds: 300,
    Message: 'The broker rabbit.example.com:5672 (zone west) is back',
  }),
  define(
    'relay_dead_letters',
    'Dead letters',
    'A route has new dead letters; told at most every ten minutes',
    [route, sink, count],
    {
      Route: 'crm',
      Sink: 'webhook',
      Count: 3,
      Message: 'The route crm has 3 new dead letters: kazoo-relay dead list --group --route crm',
    },
  ),
  define(
    'relay_drift',
    'Drift',
    'Notifications of an event fit the schemas in a way less than before; told at most every ten minutes',
    [
      required('event', 'Event', 'string', 'the event; empty where they have none'),
      required('kinds', 'Kinds', 'string[]', 'path and keyword of each new kind, twenty at most'),
      required('count', 'Count', 'integer', 'how many kinds are new'),
      required('example', 'Example', 'string', 'id of a notification that has one of them'),
    ],
    {
      Event: 'voicemail_new',
      Kinds: ['/voicemail_mood unknownField'],
      Count: 1,
      Example: '0193b7c2-5a10-8d4e-9f6a-3c1f0a7b2d55',
      Message: 'KAZOO sends voicemail_new in a new way: kazoo-relay drift',
    },
  ),
  define(
    'relay_nothing_comes',
    'Nothing comes',
    'A broker has delivered nothing for a day, or an event that `expect` names has not come for too long',
    [
      { ...broker, required: false },
      { ...zone, required: false },
      optional('event', 'Event', 'string', 'the event that is expected; absent where it is all that a broker delivers'),
      since,
    ],
    {
      Event: 'voicemail_new',
      Zone: 'west',
      Since: '2026-11-24T10:00:00.000Z',
      Message: 'No voicemail_new has come in the zone west since 2026-11-24T10:00:00.000Z',
    },
  ),
  define(
    'relay_quarantine_grows',
    'Quarantine grows',
    'More notifications are quarantined for a route; told at most every ten minutes',
    [route, count, total],
    {
      Route: 'crm',
      Count: 3,
      Total: 12,
      Message: '3 more notifications are quarantined for the route crm: kazoo-relay drift',
    },
  ),
  define(
    'relay_sink_away',
    'Sink away',
    'The sink of a route has been away for a minute',
    [route, sink, reason, since],
    {
      Route: 'crm',
      Sink: 'webhook',
      Reason: 'answered 503',
      Since: '2026-11-24T10:00:00.000Z',
      Message: 'The sink of the route crm is away: answered 503. Its notifications wait in the journal',
    },
  ),
  define('relay_sink_back', 'Sink back', 'The sink of a route is back for a minute', [route, sink, since, seconds], {
    Route: 'crm',
    Sink: 'webhook',
    Since: '2026-11-24T10:00:00.000Z',
    Seconds: 300,
    Message: 'The sink of the route crm is back',
  }),
];

function define(
  name: string,
  title: string,
  summary: string,
  fields: readonly EventField[],
  example: EventDefinition['example'],
): EventDefinition {
  const publisher = { app: 'kazoo-relay', version: '0.1.0', msgId: 'd2f4a6c8e0b14793f5a7c9d1b3e50286', node: 'relay1' };
  return {
    ...{ name, aliases: [], title, summary, category: relayCategory, routingKey: name.replace('_', '.') },
    ...{ fields: [...fields, message], example: announced(name, publisher, example) },
  };
}

/** An event of KAZOO's, or of the daemon's own. */
export function anyEventNamed(name: string): EventDefinition | undefined {
  return eventNamed(name) ?? relayEvents.find((event) => event.name === name);
}
