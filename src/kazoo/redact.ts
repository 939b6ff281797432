import { holderAt, isHolder, isObject, type Json, type JsonObject } from '../common/json.ts';
import type { Header } from '../notification/header.ts';
import { type Notification, redacted, type Secret } from '../notification/notification.ts';
import { commonFields, eventNamed } from './catalogue.ts';
import { mayLoseDigits, parseAsWritten } from './json.ts';
import { type BodyPath, isSecretName } from './normalise.ts';
import { withoutSecrets } from './secrets.ts';

/** Which dotted paths into the body of a notification some route reveals; one reveals all below it. */
export type RevealedPaths = (header: Header) => readonly string[];

/**
 * Replaces each secret by `"[redacted]"`, in the notification itself, keeps it apart only where some route reveals it,
 * and lets go of `data`. Comes after validation, which must see what KAZOO sent, and before the journal.
 *
 * Secrets are the fields that the catalogue marks, whatever a key's name says is one, what `withoutSecrets` finds in a
 * string, and of a `system_alert` its attachment's URL and the request headers and request data in its details.
 */
export function redact(notification: Notification, reveals: RevealedPaths): Notification {
  const { header, data } = notification;
  if (data === null) return notification;
  // Its text is all that is needed from now on: hundreds of bodies in memory would keep the garbage collector busy.
  notification.data = null;
  const matches = catalogueSecrets(header.event, data);
  const isAlert = header.event === 'system_alert';
  if (isAlert || notification.mayHoldSecrets) matches.push(...searchSecrets(data, isAlert));
  if (matches.length === 0) return notification;
  const revealed = reveals(header);
  notification.secrets = withinLimits(matches.flatMap((match) => replace(data, match, revealed)));
  notification.json = mayLoseDigits(notification.json) ? replacedIn(notification.json, matches) : JSON.stringify(data);
  return notification;
}

/** A secret, or a string with one in it. */
interface SecretMatch {
  readonly path: BodyPath;
  /** What replaces it. */
  readonly clean: string;
}

/** Keeps the numbers as KAZOO wrote them. @param json of an object */
function replacedIn(json: string, matches: readonly SecretMatch[]): string {
  const data = parseAsWritten(json) as JsonObject;
  for (const match of matches) replace(data, match, []);
  return JSON.stringify(data);
}

/**
 * Revealed secrets that are kept of one body, and characters that their paths may have: no event of KAZOO's comes near.
 */
const maxSecrets = 100;
const maxPathLength = 1_024;

/** Values that a route may reveal are kept; those that only a malicious body can hold stay redacted for every route. */
function withinLimits(secrets: readonly Secret[]): readonly Secret[] {
  return secrets
    .filter(({ path }) => path.reduce((length, key) => length + key.length, 0) <= maxPathLength)
    .slice(0, maxSecrets);
}

/** True if a route that reveals these dotted paths may see the value at this one. */
export function isRevealed(path: BodyPath, reveals: readonly string[]): boolean {
  return reveals.some((reveal) => reveal.split('.').every((key, index) => path[index] === key));
}

function catalogueSecrets(event: string | null, data: JsonObject): SecretMatch[] {
  const names = secretFieldsOf(event).filter((name) => data[name] !== undefined);
  // The link opens a report without a login.
  return (event === 'system_alert' ? [...names, 'attachment_url'] : names).map((name) => whole([name]));
}

function whole(path: BodyPath): SecretMatch {
  return { path, clean: redacted };
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
  // Only the catalogue's events are cached: a publisher may send any number of other names.
  if (definition !== undefined) secretFields.set(event, names);
  return names;
}

/** What is a secret by the name of its member, and the strings with one in them, at any depth. */
function searchSecrets(data: JsonObject, isAlert: boolean): SecretMatch[] {
  const matches: SecretMatch[] = [];
  // One for all, because nearly no path is ever asked for.
  const path: string[] = [];
  const isPart = (name: string) => isAlert && path[0] === 'details' && isRequestPart(name);
  function look(value: Json | undefined): void {
    if (typeof value === 'string') {
      const clean = withoutSecrets(value, isPart);
      if (clean !== value) matches.push({ path: [...path], clean });
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) if (mayHold(item)) within(String(index), item);
    } else if (isObject(value)) {
      for (const key in value) {
        const member = value[key];
        if (isSecretName(key) || isPart(key)) matches.push(whole([...path, key]));
        else if (mayHold(member)) within(key, member);
      }
    }
  }
  function within(key: string, value: Json | undefined): void {
    path.push(key);
    look(value);
    path.pop();
  }
  look(data);
  return matches;
}

function mayHold(value: Json | undefined): boolean {
  return isHolder(value) || typeof value === 'string';
}

/** In the details of an alert, request headers and request data. */
function isRequestPart(name: string): boolean {
  return requestPart.test(name);
}

const requestPart = /headers?$|^req(uest)?[_ ]?(data|body|json|params|query|query_string)$/;

/** Replaces the value at a path, and returns it if a route reveals it. A secret within a replaced one goes with it. */
function replace(data: JsonObject, { path, clean }: SecretMatch, reveals: readonly string[]): Secret[] {
  const key = path.at(-1);
  const holder = holderAt(data, path);
  if (key === undefined || holder === undefined || !Object.hasOwn(holder, key)) return [];
  const value = holder[key];
  if (value === undefined || value === redacted) return [];
  holder[key] = clean;
  return isRevealed(path, reveals) ? [{ path, value }] : [];
}
