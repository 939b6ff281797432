import type { JsonObject } from '../../common/json.ts';
import type { EventField, FieldType } from '../event.ts';

/** A field that KAZOO doesn't publish the event without. */
export function required(name: string, wire: string, type: FieldType, description: string): EventField {
  return { name, wire, type, required: true, secret: false, description };
}

export function optional(name: string, wire: string, type: FieldType, description: string): EventField {
  return { name, wire, type, required: false, secret: false, description };
}

/** The same field, marked as one whose value must not be kept in clear text. */
export function secret(field: EventField): EventField {
  return { ...field, secret: true };
}

/** `required` or `optional`: for a group of fields that is one in some events and the other in others. */
type Presence = typeof required;

export const accountId = required('account_id', 'Account-ID', 'string', 'id of the account it belongs to');
export const accountDb = optional('account_db', 'Account-DB', 'string', 'name of the account’s database');
export const authorizingId = optional(
  'authorizing_id',
  'Authorizing-ID',
  'string',
  'id of the device that was authorised',
);
export const callId = optional('call_id', 'Call-ID', 'string', 'SIP Call-ID of the call');
export const localNumber = optional('local_number', 'Local-Number', 'boolean', 'whether the number is local to KAZOO');
export const numberState = optional(
  'number_state',
  'Number-State',
  'string',
  'state of the number, such as in_service',
);
export const ownerId = optional('owner_id', 'Owner-ID', 'string', 'id of the user that owns it');
export const faxboxId = optional('faxbox_id', 'FaxBox-ID', 'string', 'id of the fax box');
export const numbers = optional('number', 'Number', 'string|string[]', 'phone number, or several');

/** When it happened. */
export function timestamp(presence: Presence): EventField {
  return presence('timestamp', 'Timestamp', 'gregorian', 'when it happened');
}

/** What the caller shows. */
export function callerId(numberPresence: Presence = optional): EventField[] {
  return [
    optional('caller_id_name', 'Caller-ID-Name', 'string', 'name that the caller shows'),
    numberPresence('caller_id_number', 'Caller-ID-Number', 'string', 'number that the caller shows'),
  ];
}

/** The two ends of a call, as the user and realm of their SIP addresses. */
export function fromAndTo(presence: Presence): EventField[] {
  return [
    presence('from_user', 'From-User', 'string', 'user part of the caller’s SIP address'),
    presence('from_realm', 'From-Realm', 'string', 'realm of the caller’s SIP address'),
    presence('to_user', 'To-User', 'string', 'user part of the called SIP address'),
    presence('to_realm', 'To-Realm', 'string', 'realm of the called SIP address'),
  ];
}

/** Who publishes an example, and under which id. */
interface Publisher {
  readonly app: string;
  readonly version?: string;
  readonly msgId: string;
  readonly node?: string;
}

/** The account that the examples are about, and its SIP realm. */
export const exampleAccount = '2d3b9c1e8f7a46d5b0c4e6f81a92735d';
export const exampleAccountDb = 'account%2F2d%2F3b%2F9c1e8f7a46d5b0c4e6f81a92735d';
export const exampleRealm = 'acme.sip.example.com';

/** A body on the wire whose publisher waits for no answer. */
export function announced(event: string, publisher: Publisher, own: JsonObject): JsonObject {
  return {
    'App-Name': publisher.app,
    'App-Version': publisher.version ?? '4.3.142',
    'Event-Category': 'notification',
    'Event-Name': event,
    'Msg-ID': publisher.msgId,
    Node: publisher.node ?? 'kazoo_apps@apps1.example.com',
    ...own,
  };
}

/** A body on the wire whose publisher waits for somebody to say that the notification was taken care of. */
export function requested(event: string, publisher: Publisher, own: JsonObject): JsonObject {
  return {
    ...announced(event, publisher, own),
    'Server-ID': `kazoo_apps@apps1.example.com-targeted-${publisher.msgId.slice(0, 8)}`,
    'System-Log-ID': publisher.msgId.split('').reverse().join(''),
  };
}
