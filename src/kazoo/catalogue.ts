import type { EventDefinition, EventField } from './event.ts';
import { accountEvents } from './events/account.ts';
import { billingEvents } from './events/billing.ts';
import { conferenceEvents } from './events/conference.ts';
import { optional, required, secret } from './events/define.ts';
import { faxEvents } from './events/fax.ts';
import { numberEvents } from './events/number.ts';
import { registrationEvents } from './events/registration.ts';
import { sipEvents } from './events/sip.ts';
import { systemEvents } from './events/system.ts';
import { userEvents } from './events/user.ts';
import { voicemailEvents } from './events/voicemail.ts';
import { webhookEvents } from './events/webhook.ts';

/** Every notification event that KAZOO 4.2 to 5.0 publishes, and those of KAZOO 5 alone, sorted by name. */
export const events: readonly EventDefinition[] = [
  ...accountEvents,
  ...billingEvents,
  ...conferenceEvents,
  ...faxEvents,
  ...numberEvents,
  ...registrationEvents,
  ...sipEvents,
  ...systemEvents,
  ...userEvents,
  ...voicemailEvents,
  ...webhookEvents,
].sort((a, b) => (a.name < b.name ? -1 : 1));

const byName = new Map(events.flatMap((event) => [event.name, ...event.aliases].map((name) => [name, event])));

/** The event of that name or alias. */
export function eventNamed(name: string): EventDefinition | undefined {
  return byName.get(name);
}

/** By what name the schema of an event is known outside of the daemon. */
export function schemaId(event: string): string {
  return `urn:kazoo-relay:schema:${event}`;
}

/** The routing key that an example is published with: where KAZOO's is unknown, one that a relay's binding matches. */
export function exampleRoutingKey({ name, routingKey }: Pick<EventDefinition, 'name' | 'routingKey'>): string {
  return routingKey ?? `${unknownRoutingKeyPrefix}${name}`;
}

/** The beginning of the examples' routing keys, if KAZOO's are unknown. */
export const unknownRoutingKeyPrefix = 'notifications.unknown.';

/**
 * What the body of any event may hold besides the event's own fields. Where an event has a field of the same name, the
 * event's own counts. Several publishers swap `app_name` and `app_version`.
 */
export const commonFields: readonly EventField[] = [
  required('app_name', 'App-Name', 'string', 'KAZOO application that published it'),
  required('app_version', 'App-Version', 'string', 'version of that application'),
  required('event_category', 'Event-Category', 'string', 'always "notification"'),
  required('event_name', 'Event-Name', 'string', 'type of the event'),
  required('msg_id', 'Msg-ID', 'string', 'id of this publish; another one when KAZOO publishes the notification again'),
  required('node', 'Node', 'string', 'KAZOO node that published it'),
  optional('server_id', 'Server-ID', 'string', 'where the publisher waits for an answer; may be empty'),
  optional('system_log_id', 'System-Log-ID', 'string', 'id that ties the log lines of one task together'),
  optional('account_id', 'Account-ID', 'string', 'id of the account it belongs to'),
  optional('account_db', 'Account-DB', 'string', 'name of the account’s database'),
  optional('call_id', 'Call-ID', 'string', 'SIP Call-ID of the call'),
  optional('to', 'To', 'address', 'who the e-mail about it goes to'),
  optional('cc', 'Cc', 'address', 'who gets a copy of the e-mail'),
  optional('bcc', 'Bcc', 'address', 'who gets a copy of the e-mail, unseen by the others'),
  optional('from', 'From', 'address', 'who the e-mail comes from'),
  optional('reply_to', 'Reply-To', 'address', 'who an answer to the e-mail goes to'),
  optional('subject', 'Subject', 'string', 'subject of the e-mail'),
  optional('text', 'Text', 'string', 'the e-mail as plain text'),
  optional('html', 'HTML', 'string', 'the e-mail as HTML'),
  optional('attachment_url', 'Attachment-URL', 'string', 'where the e-mail’s attachment can be fetched'),
  optional('preview', 'Preview', 'boolean', 'true for the preview of an e-mail template, which is no event'),
  optional('access_group', 'Access-Group', 'any', 'group of those who may see it'),
  // A URI, as KAZOO's configuration has it: with the password where there is one.
  secret(optional('amqp_broker', 'AMQP-Broker', 'string', 'broker that it came over')),
  optional('amqp_broker_zone', 'AMQP-Broker-Zone', 'string', 'zone of that broker'),
  optional('defer_response', 'Defer-Response', 'any', 'whether the answer may come later'),
  optional('deliver_to_pid', 'Deliver-To-PID', 'string', 'Erlang process that it is meant for'),
  optional('destination_server', 'Destination-Server', 'string', 'KAZOO node that it is meant for'),
  optional('geo_location', 'Geo-Location', 'any', 'where its origin is'),
  // Headers of a request, also as one text: credentials are among them.
  secret(optional('raw_headers', 'Raw-Headers', 'any', 'headers in the form they were received in')),
  optional('reply_to_pid', 'Reply-To-PID', 'string', 'Erlang process that waits for the answer'),
  optional('request_from_pid', 'Request-From-PID', 'string', 'Erlang process that asked'),
  optional('server_queue_id', 'Server-Queue-ID', 'string', 'queue that waits for the answer'),
];
