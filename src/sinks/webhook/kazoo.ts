import { isObject } from '../../kazoo/json.ts';
import type { Json, JsonObject } from '../../kazoo/notification.ts';
import type { ShapedEnvelope } from '../sink.ts';
import { headerValue } from './header-value.ts';
import { Undeliverable } from './undeliverable.ts';

/**
 * What KAZOO's own webhooks application sends: the normalised notification, with the hook's custom data over it.
 * @param fields the custom data; its keys `type` and `action` are left out, as KAZOO does
 * @throws Undeliverable for a notification without a body
 */
export function kazooBody({ data }: ShapedEnvelope, fields: Readonly<Record<string, string>>): JsonObject {
  if (data === undefined || data === null)
    throw new Undeliverable("it couldn't be decoded, so there is no body to send");
  const { type, action, ...custom } = fields;
  return { ...data, ...custom };
}

export function kazooHeaders({ account_id }: ShapedEnvelope): Record<string, string> {
  return typeof account_id !== 'string' ? {} : { 'x-account-id': headerValue(account_id) };
}

/** An object as a form: `a[b]=c` for objects in it, `k[]=v` for arrays. */
export function kazooForm(body: JsonObject): string {
  return Object.entries(body)
    .flatMap(([key, value]) => pairs(encode(key), value))
    .join('&');
}

function pairs(name: string, value: Json | undefined): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item) => pairs(`${name}[]`, item));
  if (isObject(value)) {
    return Object.entries(value).flatMap(([key, member]) => pairs(`${name}[${encode(key)}]`, member));
  }
  return [`${name}=${encode(String(value))}`];
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll('%20', '+');
}
