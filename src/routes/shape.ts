import type { Entry } from '../journal/journal.ts';
import type { Json, JsonObject, Secret } from '../kazoo/notification.ts';
import { isRevealed } from '../kazoo/redact.ts';
import { timeWriter } from '../kazoo/time.ts';
import type { Delivery, Envelope } from '../sinks/sink.ts';

/**
 * What a route's sink gets of an entry. Envelope and text are made when the sink first asks for them: most want only one.
 * @param reveal dotted paths of the secrets that this route may see
 */
export function shape(entry: Entry, reveal: readonly string[]): Delivery {
  const revealed = entry.secrets.filter((secret) => isRevealed(secret.path, reveal));
  return revealed.length === 0 ? new PlainDelivery(entry) : revealingDelivery(entry, revealed);
}

/** A class because there are tens of thousands a second, which share its getters. */
class PlainDelivery implements Delivery {
  readonly id: string;
  readonly event: string | null;
  readonly #entry: Entry;
  #envelope: Envelope | undefined;
  #json: string | undefined;

  constructor(entry: Entry) {
    this.id = entry.id;
    this.event = entry.event;
    this.#entry = entry;
  }

  get envelope(): Envelope {
    this.#envelope ??= { ...headOf(this.#entry), data: this.#entry.data };
    return this.#envelope;
  }

  get json(): string {
    this.#json ??= textOf(this.#entry);
    return this.#json;
  }
}

/** The same text as that of the envelope; the body's goes through as the journal has it. */
function textOf(entry: Entry): string {
  const { id, event, category, accountId, zone, node, routingKey, state, problems, resendOf, json } = entry;
  return (
    `{"id":${quoted(id)},"event":${quotedOften(event)},"category":${quotedOften(category)},"account_id":${quotedOften(accountId)},` +
    `"zone":${quotedOften(zone)},"node":${quotedOften(node)},"occurred_at":"${occurredAt(entry.occurredAt)}",` +
    `"received_at":"${receivedAt(entry.receivedAt)}","routing_key":${quotedOften(routingKey)},"valid":${state === 'valid'},` +
    `"problems":${problems.length === 0 ? '[]' : JSON.stringify(problems)},"resend_of":${quoted(resendOf)},"data":${json}}`
  );
}

const occurredAt = timeWriter();
const receivedAt = timeWriter();

function quoted(text: string | null): string {
  return JSON.stringify(text);
}

/** Texts that come again and again are quoted once. */
const quotedTexts = new Map<string, string>();
const maxQuotedTexts = 10_000;

function quotedOften(text: string | null): string {
  if (text === null) return 'null';
  let result = quotedTexts.get(text);
  if (result === undefined) {
    result = JSON.stringify(text);
    if (quotedTexts.size < maxQuotedTexts && text.length <= 256) quotedTexts.set(text, result);
  }
  return result;
}

function revealingDelivery(entry: Entry, revealed: readonly Secret[]): Delivery {
  const data = structuredClone(entry.data);
  if (data !== null) for (const { path, value } of revealed) put(data, path, value);
  const envelope = { ...headOf(entry), data };
  return { id: entry.id, event: entry.event, envelope, json: JSON.stringify(envelope) };
}

function headOf(entry: Entry): Omit<Envelope, 'data'> {
  return {
    id: entry.id,
    event: entry.event,
    category: entry.category,
    account_id: entry.accountId,
    zone: entry.zone,
    node: entry.node,
    occurred_at: occurredAt(entry.occurredAt),
    received_at: receivedAt(entry.receivedAt),
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
