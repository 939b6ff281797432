import { randomBytes } from 'node:crypto';
import { isHolder, type Json, type JsonObject } from '../../common/json.ts';
import { commonFields } from '../../kazoo/catalogue.ts';
import type { EventDefinition } from '../../kazoo/event.ts';
import { toGregorianSeconds } from '../../kazoo/time.ts';

/** A value to set in a body; undefined removes it. */
export interface Change {
  /** Keys as on the wire or normalised; numbers where they lead into an array. */
  readonly path: readonly string[];
  readonly value: Json | undefined;
}

/**
 * A body of this event as KAZOO would publish it now, with wire keys: the catalogue's example, with a message id of its
 * own and the current time. Each is an occurrence of its own too: two of them are never taken for a resend.
 * @param time Unix milliseconds
 * @throws Error when a change leads into something that is no object
 */
export function exampleBody(event: EventDefinition, time: number, changes: readonly Change[]): JsonObject {
  const body = structuredClone(event.example);
  body['Msg-ID'] = randomBytes(16).toString('hex');
  const seconds = toGregorianSeconds(time);
  for (const key of timeKeys) {
    // One event has it as digits in a string.
    if (body[key] !== undefined) body[key] = typeof body[key] === 'string' ? String(seconds) : seconds;
  }
  // Where a body has a time or a call, or can be there only once, an equal one is a resend: only the call can tell two of
  // one second apart.
  if (event.once || hasOccurrence(body)) body['Call-ID'] = `${randomBytes(8).toString('hex')}@example.com`;
  for (const change of changes) apply(change, body, event);
  return body;
}

const timeKeys = ['Timestamp', 'Event-Timestamp', 'Voicemail-Timestamp', 'Fax-Timestamp'] as const;

function hasOccurrence(body: JsonObject): boolean {
  return ['Call-ID', 'Comment', 'Reason', ...timeKeys].some((key) => body[key] !== undefined);
}

function apply({ path, value }: Change, body: JsonObject, event: EventDefinition): void {
  const [first = '', ...rest] = path;
  let holder = body;
  let key = keyIn(body, first) ?? wireKey(event, first);
  for (const next of rest) {
    holder = holderIn(holder, key, path);
    key = keyIn(holder, next) ?? next;
  }
  holder[key] = value;
}

function holderIn(holder: JsonObject, key: string, path: readonly string[]): JsonObject {
  if (!Object.hasOwn(holder, key)) holder[key] = {};
  const inner = holder[key];
  if (isHolder(inner)) return inner as JsonObject; // an array takes its indices as keys just so
  throw new Error(`${path.join('.')} can't be set: ${key} is no object`);
}

/** The key under which the holder has this one, however it is written. */
function keyIn(holder: JsonObject, key: string): string | undefined {
  const name = normalised(key);
  return Object.keys(holder).find((candidate) => normalised(candidate) === name);
}

function wireKey(event: EventDefinition, key: string): string {
  const name = normalised(key);
  return [...event.fields, ...commonFields].find((field) => field.name === name)?.wire ?? key;
}

function normalised(key: string): string {
  return key.replaceAll('-', '_').toLowerCase();
}
