import { commonFields, eventNamed } from './catalogue.ts';
import type { Decoded } from './decoded.ts';
import { holderAt, isHolder } from './json.ts';
import { isSecretName, type Path } from './normalise.ts';
import { type Json, type JsonObject, type Notification, redacted, type Secret } from './notification.ts';
import { mayLoseDigits, parseAsWritten } from './numbers.ts';

/**
 * Replaces each secret by `"[redacted]"`, in the notification itself, keeps it apart only where some route reveals it,
 * and lets go of `data`. Comes after validation, which must see what KAZOO sent, and before the journal.
 *
 * Secrets are the fields that the catalogue marks, whatever a key's name says is one, and of a `system_alert` its
 * attachment's URL and the request headers and request data in its details.
 * @param reveals dotted paths into the body; one reveals all below it
 */
export function redact(decoded: Decoded, reveals: readonly string[]): Notification {
  const { data } = decoded;
  if (data === null) return decoded;
  // Its text is all that is needed from now on: hundreds of bodies in memory would keep the garbage collector busy.
  decoded.data = null;
  const paths = markedPaths(decoded.event, data).concat(
    decoded.hasSecretNames ? pathsBelow(data, [], isSecretName) : [],
  );
  if (paths.length === 0) return decoded;
  decoded.secrets = keepable(paths.flatMap((path) => replace(data, path, reveals)));
  decoded.json = mayLoseDigits(decoded.json) ? replacedIn(decoded.json, paths) : JSON.stringify(data);
  return decoded;
}

/** Keeps the numbers as KAZOO wrote them. @param json of an object */
function replacedIn(json: string, paths: readonly Path[]): string {
  const data = parseAsWritten(json) as JsonObject;
  for (const path of paths) replace(data, path, []);
  return JSON.stringify(data);
}

/**
 * Revealed secrets that are kept of one body, and characters that their paths may have: no event of KAZOO's comes near.
 */
const maxSecrets = 100;
const maxPathLength = 1_024;

/** What a route may reveal is kept; what only a body made to do harm can hold stays redacted for everybody. */
function keepable(secrets: readonly Secret[]): readonly Secret[] {
  return secrets
    .filter(({ path }) => path.reduce((length, key) => length + key.length, 0) <= maxPathLength)
    .slice(0, maxSecrets);
}

/** True where a route that reveals these dotted paths may see what stands at this one. */
export function isRevealed(path: Path, reveals: readonly string[]): boolean {
  return reveals.some((reveal) => reveal.split('.').every((key, index) => path[index] === key));
}

function markedPaths(event: string | null, data: JsonObject): Path[] {
  const marked = secretFieldsOf(event).filter((name) => data[name] !== undefined);
  const paths: Path[] = marked.map((name) => [name]);
  if (event !== 'system_alert') return paths;
  // The link opens a report without a login.
  return [...paths, ['attachment_url'], ...pathsBelow(data.details, ['details'], isRequestPart)];
}

const secretsOfAll = commonFields.filter((field) => field.secret).map((field) => field.name);
const secretFields = new Map<string, readonly string[]>();

function secretFieldsOf(event: string | null): readonly string[] {
  if (event === null) return secretsOfAll;
  const known = secretFields.get(event);
  if (known !== undefined) return known;
  const definition = eventNamed(event);
  const own = definition?.fields.filter((field) => field.secret).map((field) => field.name) ?? [];
  const names = [...own, ...secretsOfAll];
  // Only the catalogue's events are remembered: whoever publishes may make up names without end.
  if (definition !== undefined) secretFields.set(event, names);
  return names;
}

/** Where the members stand whose names tell of a secret, at any depth below a path. */
function pathsBelow(top: Json | undefined, start: Path, isSecret: (name: string) => boolean): Path[] {
  const found: Path[] = [];
  // One for all, because nearly no path is ever asked for.
  const path = [...start];
  function walk(holder: Json[] | JsonObject): void {
    if (Array.isArray(holder)) {
      for (const [index, item] of holder.entries()) if (isHolder(item)) descend(String(index), item);
      return;
    }
    for (const key in holder) {
      const member = holder[key];
      if (isSecret(key)) found.push([...path, key]);
      else if (isHolder(member)) descend(key, member);
    }
  }
  function descend(key: string, holder: Json[] | JsonObject): void {
    path.push(key);
    walk(holder);
    path.pop();
  }
  if (isHolder(top)) walk(top);
  return found;
}

/** In the details of an alert, request headers and request data. */
function isRequestPart(name: string): boolean {
  return requestPart.test(name);
}

const requestPart = /headers?$|^req(uest)?[_ ]?(data|body|json|params|query|query_string)$/;

/**
 * Replaces what stands at `path`; returns it if some route reveals it. A secret inside a replaced one is gone with it.
 */
function replace(data: JsonObject, path: Path, reveals: readonly string[]): Secret[] {
  const key = path.at(-1);
  const holder = holderAt(data, path);
  if (key === undefined || holder === undefined || !Object.hasOwn(holder, key)) return [];
  const value = holder[key];
  if (value === undefined || value === redacted) return [];
  holder[key] = redacted;
  return isRevealed(path, reveals) ? [{ path, value }] : [];
}
