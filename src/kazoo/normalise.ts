import type { Json, JsonObject } from '../common/json.ts';
import { writtenNumber } from './json.ts';
import { matchesSecretName, mayHoldSecret } from './secrets.ts';

/** How deep a body may nest before it counts as undecodable. KAZOO's own go to about eight. */
export const maxDepth = 64;

/** How many collisions are told of: a body can be made of nothing else. */
const maxCollisions = 20;

export type BodyPath = readonly string[];

export interface Normalised {
  readonly data: JsonObject;
  /** It nests deeper than `maxDepth`: `data` is cut there and worth nothing. */
  readonly tooDeep: boolean;
  /** Names that two different keys of one object normalise to, 20 at most; the last one's value is in `data`. */
  readonly collisions: readonly BodyPath[];
  /** False where no key's name says that its value is a secret, and no string is one that is looked into. */
  readonly mayHoldSecrets: boolean;
}

/**
 * The body with the keys that KAZOO's documentation and webhooks show: `-` becomes `_`, letters become lower case, at
 * every depth, also inside arrays; members that are null are dropped, nulls in arrays stay. Lone surrogates become
 * U+FFFD, in keys and values, because no UTF-8 can hold them. Never throws; recurses `maxDepth` deep at most.
 */
export function normalise(body: JsonObject): Normalised {
  const walk: Walk = { tooDeep: false, collisions: [], mayHoldSecrets: false, path: [] };
  const data = normaliseObject(body, walk);
  const { tooDeep, collisions, mayHoldSecrets } = walk;
  return { data, tooDeep, collisions, mayHoldSecrets };
}

interface Walk {
  tooDeep: boolean;
  readonly collisions: BodyPath[];
  mayHoldSecrets: boolean;
  /** Where the walk stands: one array for all, because nearly no path is ever asked for. */
  readonly path: string[];
}

function normaliseObject(object: JsonObject, walk: Walk): JsonObject {
  const result: JsonObject = {};
  for (const wireKey in object) {
    const value = object[wireKey];
    if (value === null || value === undefined) continue;
    const key = normalisedKey(wireKey);
    const { name } = key;
    walk.path.push(name);
    if (result[name] !== undefined && Object.hasOwn(result, name)) collide(walk);
    if (key.secret) walk.mayHoldSecrets = true;
    set(result, name, normaliseValue(value, walk));
    walk.path.pop();
  }
  return result;
}

function collide({ collisions, path }: Walk): void {
  if (collisions.length < maxCollisions) collisions.push([...path]);
}

function normaliseValue(value: Json, walk: Walk): Json {
  switch (typeof value) {
    case 'string':
      if (!walk.mayHoldSecrets && mayHoldSecret(value)) walk.mayHoldSecrets = true;
      return value.isWellFormed() ? value : value.toWellFormed();
    case 'object':
      return value === null || writtenNumber(value) !== undefined ? value : normaliseNested(value, walk);
    default:
      return value;
  }
}

function normaliseNested(value: Json[] | JsonObject, walk: Walk): Json {
  if (walk.path.length >= maxDepth) {
    walk.tooDeep = true;
    return null;
  }
  return Array.isArray(value) ? normaliseArray(value, walk) : normaliseObject(value, walk);
}

function normaliseArray(array: Json[], walk: Walk): Json[] {
  return array.map((item, index) => {
    if (typeof item !== 'object') return normaliseValue(item, walk);
    walk.path.push(String(index));
    const result = normaliseValue(item, walk);
    walk.path.pop();
    return result;
  });
}

/** A plain assignment to `__proto__` would change the object's prototype instead of adding a member. */
function set(object: JsonObject, name: string, value: Json): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[name] = value;
  }
}

interface Key {
  readonly name: string;
  readonly secret: boolean;
}

/** KAZOO uses a few hundred keys, over and over: looking one up costs a third of working it out. */
const knownKeys = new Map<string, Key>();
const maxKnownKeys = 8192;
const maxKnownKeyLength = 64;

function normalisedKey(wireKey: string): Key {
  const known = knownKeys.get(wireKey);
  if (known !== undefined) return known;
  // replaceAll takes several times as long for a key of a million dashes.
  const name = wireKey.toWellFormed().split('-').join('_').toLowerCase();
  const key = { name, secret: matchesSecretName(name) };
  if (knownKeys.size < maxKnownKeys && wireKey.length <= maxKnownKeyLength) knownKeys.set(wireKey, key);
  return key;
}

/** True where the name of a member says that its value is a secret. @param name normalised */
export function isSecretName(name: string): boolean {
  return normalisedKey(name).secret;
}
