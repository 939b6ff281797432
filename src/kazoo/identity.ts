import { hash } from 'node:crypto';
import { isObject, type Json, type JsonObject } from '../common/json.ts';
import type { Message } from '../notification/notification.ts';

/**
 * The id of a notification: a UUID version 8 whose first 48 bits are a time in milliseconds and whose other 74 come
 * from the SHA-256 of the raw body, or of that and the `message_id` where the message has one. Equal for a broker's
 * redelivery; nearly ordered, so that an index over it stays cheap.
 * @param time Unix milliseconds, 0 where the message has none
 */
export function notificationId({ body, digest, messageId = '' }: Content, time: number): string {
  const content = digest ?? hash('sha256', body, 'hex');
  const identity = messageId === '' ? content : hash('sha256', content + messageId, 'hex');
  const variant = '89ab'.charAt(identity.charCodeAt(3) & 3);
  return `${timeInHex(time)}-8${identity.slice(0, 3)}-${variant}${identity.slice(4, 7)}-${identity.slice(7, 19)}`;
}

type Content = Pick<Message, 'body' | 'digest' | 'messageId'>;

/** Milliseconds that share the first eight digits of their time: a little more than a minute. */
const stretch = 0x1_0000;
let currentStretch = 0;
let stretchInHex = '00000000';
const bytesInHex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * Twelve digits, with a dash after the eighth. What all times of a stretch share is written once: V8 writes large
 * numbers in hexadecimal digit by digit, by division.
 */
function timeInHex(time: number): string {
  const rest = time % stretch;
  if (time - rest !== currentStretch) {
    currentStretch = time - rest;
    stretchInHex = (currentStretch / stretch).toString(16).padStart(8, '0');
  }
  return `${stretchInHex}-${bytesInHex[rest >>> 8]}${bytesInHex[rest & 0xff]}`;
}

export function fingerprintOf(content: string | Uint8Array): string {
  return hash('sha256', content, 'base64url').slice(0, 22);
}

/** The keys that KAZOO gives new values when it publishes a saved notification again. */
export const keysPerPublish = ['msg_id', 'server_id', 'server_queue_id', 'system_log_id'] as const;

/**
 * The body as its fingerprint sees it: without the keys of one publish, and without what KAZOO's saving empties, drops
 * or writes in another way. Of a body with anything else that it would change, KAZOO makes no second publish.
 */
export function fingerprintContent(data: JsonObject): string {
  const content: JsonObject = { ...data };
  // An undefined member is left out by JSON.stringify.
  for (const key in content) if (isPerPublish(key) || isEmptied(content[key])) content[key] = undefined;
  return JSON.stringify(content);
}

function isPerPublish(key: string): boolean {
  return (keysPerPublish as readonly string[]).includes(key);
}

/** True of `[]`, `{}` and lists of objects. */
function isEmptied(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.length === 0 || isObject(value[0]);
  return isObject(value) && Object.keys(value).length === 0;
}
