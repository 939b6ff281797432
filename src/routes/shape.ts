import type { Entry } from '../journal/journal.ts';
import type { Json, JsonObject, Secret } from '../kazoo/notification.ts';
import { isRevealed } from '../kazoo/redact.ts';
import type { Delivery, Envelope } from '../sinks/sink.ts';

/**
 * What a route's sink gets of an entry. Envelope and text are made when the sink first asks for them: most want only one.
 * @param reveal dotted paths of the secrets that this route may see
 */
export function shape(entry: Entry, reveal: readonly string[]): Delivery {
  const revealed = entry.secrets.filter((secret) => isRevealed(secret.path, reveal));
  return revealed.length === 0 ? plainDelivery(entry) : revealingDelivery(entry, revealed);
}

/** The body's JSON text goes through as the journal has it. */
function plainDelivery(entry: Entry): Delivery {
  let envelope: Envelope | undefined;
  let json: string | undefined;
  return {
    id: entry.id,
    event: entry.event,
    get envelope() {
      envelope ??= { ...head(entry), data: entry.data };
      return envelope;
    },
    get json() {
      json ??= `${JSON.stringify(head(entry)).slice(0, -1)},"data":${entry.json}}`;
      return json;
    },
  };
}

function revealingDelivery(entry: Entry, revealed: readonly Secret[]): Delivery {
  const data = structuredClone(entry.data);
  if (data !== null) for (const { path, value } of revealed) put(data, path, value);
  const envelope = { ...head(entry), data };
  return { id: entry.id, event: entry.event, envelope, json: JSON.stringify(envelope) };
}

function head(entry: Entry): Omit<Envelope, 'data'> {
  return {
    id: entry.id,
    event: entry.event,
    category: entry.category,
    account_id: entry.accountId,
    zone: entry.zone,
    node: entry.node,
    occurred_at: new Date(entry.occurredAt).toISOString(),
    received_at: new Date(entry.receivedAt).toISOString(),
    routing_key: entry.routingKey,
    valid: entry.state === 'valid',
    problems: entry.problems,
    resend_of: entry.resendOf,
  };
}

function put(data: JsonObject, path: readonly string[], value: Json): void {
  const key = path.at(-1);
  let holder: Json | undefined = data;
  for (const step of path.slice(0, -1)) holder = isHolder(holder) ? holder[step] : undefined;
  if (key !== undefined && isHolder(holder)) holder[key] = value;
}

/** An array takes its indices as keys just as an object does. */
function isHolder(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
