/** A JSON value as `JSON.parse` makes it. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object; a key may always be missing. */
export interface JsonObject {
  [key: string]: Json | undefined;
}

/** True for what JSON calls an object: neither an array nor null. */
export function isObject(value: Json | undefined): value is JsonObject {
  return isHolder(value) && !Array.isArray(value);
}

/** True for what holds other values: an object or an array. */
export function isHolder(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The object or array that holds the last key of a path, if there is one. */
export function holderAt(data: JsonObject, path: readonly string[]): JsonObject | undefined {
  const holder = path.slice(0, -1).reduce<Json | undefined>(member, data);
  return isHolder(holder) ? (holder as JsonObject) : undefined; // an array takes its indices as keys just so
}

/** The own property of an object or an array; undefined if there is none, or no object. */
export function member(value: Json | undefined, key: string): Json | undefined {
  if (!isHolder(value) || !Object.hasOwn(value, key)) return undefined;
  return (value as JsonObject)[key]; // an array takes its indices as keys just so
}
