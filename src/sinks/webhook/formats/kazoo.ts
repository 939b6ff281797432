import { isObject, type Json, type JsonObject, member } from '../../../common/json.ts';
import { asKazooWrites, mayLoseDigits, parseAsWritten, writtenNumber } from '../../../kazoo/json.ts';
import type { Delivery, ShapedEnvelope } from '../../../notification/envelope.ts';
import { headerValue, Undeliverable } from '../../content.ts';

/**
 * What KAZOO's own webhooks application sends: the normalised notification, of a callflow's webhook its data only, with
 * the hook's custom data over it. Its numbers are as they came, for `JSON.stringify` and `kazooForm`.
 * @param fields the custom data; its keys `type` and `action` are left out, and `cluster_id` comes last, as in KAZOO
 * @throws Undeliverable for a notification without a body
 */
export function kazooBody(delivery: Delivery, fields: Readonly<Record<string, string>>): JsonObject {
  const { type, action, cluster_id, ...custom } = fields;
  const body = { ...dataOf(delivery), ...custom };
  if (cluster_id === undefined) return body;
  const { cluster_id: _replaced, ...others } = body;
  return { ...others, cluster_id };
}

function dataOf({ header, envelope: { data }, body }: Delivery): JsonObject {
  if (data === undefined || data === null)
    throw new Undeliverable("it couldn't be decoded, so there is no body to send");
  const whole = mayLoseDigits(body) ? (withNumbers(data, parseAsWritten(body)) as JsonObject) : data; // of an object
  if (header.event !== 'webhook') return whole;
  // KAZOO may write an empty object as a list.
  return isObject(whole.data) ? whole.data : {};
}

/** The same with each number that stands at the same place in `written` as it is there. */
function withNumbers(value: Json, written: Json | undefined): Json {
  if (Array.isArray(value)) return value.map((item, index) => withNumbers(item, member(written, String(index))));
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item = null]) => [key, withNumbers(item, member(written, key))]),
    );
  }
  const number = written === undefined ? undefined : writtenNumber(written);
  return written !== undefined && number !== undefined && Number(number) === value ? written : value;
}

export function kazooHeaders({ account_id }: ShapedEnvelope): Record<string, string> {
  return typeof account_id !== 'string' ? {} : { 'x-account-id': headerValue(account_id) };
}

/**
 * An object as KAZOO's form: `a[b]=c` for nested objects, `k[]=v` for lists, in which an object is JSON. An empty value
 * gives an empty pair. In a key, only characters that would end it are encoded; KAZOO's keys have none.
 */
export function kazooForm(body: JsonObject): string {
  return Object.entries(body)
    .flatMap(([key, value]) => pairs(encodeKey(key), value))
    .join('&');
}

function pairs(name: string, value: Json | undefined): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return orEmpty(value.map((item) => `${name}[]=${encode(formText(item))}`));
  if (isObject(value) && writtenNumber(value) === undefined) {
    return orEmpty(Object.entries(value).flatMap(([key, item]) => pairs(`${name}[${encodeKey(key)}]`, item)));
  }
  return [`${name}=${encode(formText(value))}`];
}

function orEmpty(list: string[]): string[] {
  return list.length === 0 ? [''] : list;
}

function formText(value: Json): string {
  if (typeof value === 'string') return value;
  const text = JSON.stringify(value);
  return typeof value === 'number' || writtenNumber(value) !== undefined ? asKazooWrites(text) : text;
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

function encodeKey(key: string): string {
  return key.toWellFormed().replace(/[^\x21-\x7e]|[#%&+=]/gu, encodeURIComponent);
}
