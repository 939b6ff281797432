import { type Json, type JsonObject, member } from '../common/json.ts';
import { Header } from '../notification/header.ts';
import { type Message, Notification, type Problem } from '../notification/notification.ts';
import { type BodyLimits, parseBody } from './body.ts';
import { eventNamed } from './catalogue.ts';
import { fingerprintOf, notificationId } from './identity.ts';
import type { BodyPath } from './normalise.ts';
import { fromAmqpTimestamp, fromGregorianSeconds } from './time.ts';

/** How much of a body that can't be decoded is kept, in bytes. */
export const maxUndecodableBytes = 64 * 1024;

/**
 * Makes a notification of whatever the broker delivered. Never throws: what can't be decoded comes out in the state
 * `undecodable`, with its problem and the first 64 KiB of its body.
 */
export function decode(message: Message, limits: BodyLimits): Notification {
  const body = parseBody(message, limits);
  if ('problem' in body) return undecodable(message, body.problem);

  const { data, json } = body;
  const published = fromAmqpTimestamp(message.timestamp);
  const definition = typeof data.event_name === 'string' ? eventNamed(data.event_name) : undefined;
  const event = definition?.name ?? label(data.event_name);
  const eventTime = ownTimeOf(data);
  const happensOnce = definition?.once === true || typeof data.call_id === 'string';
  const ownTime = mayBeResent(message, data) ? (eventTime ?? (happensOnce ? 0 : null)) : null;
  const header = new Header({
    id: notificationId(message, published ?? 0),
    event,
    known: definition !== undefined,
    category: definition?.category ?? null,
    accountId: accountOf(event, data),
    zone: message.zone,
    node: label(data.node),
    occurredAt: (definition?.happensAtPublish ? null : eventTime) ?? published ?? message.receivedAt,
    receivedAt: message.receivedAt,
    routingKey: message.routingKey,
    preview: data.preview === true || data.preview === 'true',
  });
  return new Notification({
    header,
    fingerprint: ownTime === null ? '' : fingerprintOf(body.content()),
    ownTime,
    state: body.collisions.length === 0 ? 'valid' : 'invalid',
    problems: body.collisions.map(collision),
    unknownFields: none,
    data,
    json,
    secrets: [],
    raw: null,
    mayHoldSecrets: body.mayHoldSecrets,
  });
}

const none: readonly string[] = [];

/** A notification of a body that nothing more can be said of than what is wrong with it. */
export function undecodable(message: Message, problem: Problem): Notification {
  const published = fromAmqpTimestamp(message.timestamp);
  const header = new Header({
    id: notificationId(message, published ?? 0),
    event: null,
    known: false,
    category: null,
    accountId: null,
    zone: message.zone,
    node: null,
    occurredAt: published ?? message.receivedAt,
    receivedAt: message.receivedAt,
    routingKey: message.routingKey,
    preview: false,
  });
  return new Notification({
    header,
    fingerprint: '',
    ownTime: null,
    state: 'undecodable',
    problems: [problem],
    unknownFields: none,
    data: null,
    json: 'null',
    secrets: [],
    // A copy: a view would keep the whole chunk alive that the socket read it in.
    raw: Uint8Array.from(message.body.subarray(0, maxUndecodableBytes)),
    mayHoldSecrets: false,
  });
}

function collision(path: BodyPath): Problem {
  return {
    path: `/${path.map(escapePointer).join('/')}`.slice(0, maxPointer),
    keyword: 'duplicateKey',
    message: 'stands there more than once (its keys normalise to the same name); the last one was taken',
  };
}

/** Characters of a pointer that are kept. */
const maxPointer = 256;

function escapePointer(key: string): string {
  return key.slice(0, maxPointer).replaceAll('~', '~0').replaceAll('/', '~1');
}

/**
 * KAZOO saves a notification that nobody answers, and publishes it again; one that needs no answer is published once.
 * Only the former has these keys. A publisher that sets `message_id` marks repeats by it.
 */
function mayBeResent({ messageId = '' }: Message, data: JsonObject): boolean {
  return messageId === '' && (data.server_id !== undefined || data.system_log_id !== undefined);
}

/** The event's own time, where its body has one, as Unix milliseconds. */
function ownTimeOf(data: JsonObject): number | null {
  return (
    fromGregorianSeconds(data.timestamp) ??
    fromGregorianSeconds(data.event_timestamp) ??
    fromGregorianSeconds(data.voicemail_timestamp) ??
    fromGregorianSeconds(data.fax_timestamp) ??
    fromGregorianSeconds(member(data.comment, 'timestamp')) ??
    fromGregorianSeconds(member(data.reason, 'timestamp'))
  );
}

/** Two events carry the account somewhere else than at the top. */
function accountOf(event: string | null, data: JsonObject): string | null {
  const own = label(data.account_id);
  if (own !== null) return own;
  if (event === 'webhook') return label(member(data.data, 'account_id'));
  if (event !== 'system_alert') return null;
  return (
    label(member(data.details, 'account_id')) ??
    label(member(member(data.details, 'custom_channel_vars'), 'account_id'))
  );
}

/** A value fit to select by: a string of 1 to 128 characters, none of them a control character. */
function label(value: Json | undefined): string | null {
  return typeof value === 'string' && labelForm.test(value) ? value : null;
}

const labelForm = /^[^\p{Cc}]{1,128}$/u;
