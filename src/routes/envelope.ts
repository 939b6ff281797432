import type { Entry } from '../journal/journal.ts';
import { timeWriter } from '../kazoo/time.ts';
import type { Envelope } from '../sinks/sink.ts';

/** The envelope of an entry, with its secrets replaced. */
export function envelopeOf(entry: Entry): Envelope {
  return { ...headOf(entry), data: entry.data };
}

/** All but the body. */
export function headOf(entry: Entry): Omit<Envelope, 'data'> {
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

/** The envelope's JSON text, made without the envelope; the body's goes through as the journal has it. */
export function textOf(entry: Entry): string {
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

/** In the order in which they stand in an envelope. */
export const envelopeKeys = [
  'id',
  'event',
  'category',
  'account_id',
  'zone',
  'node',
  'occurred_at',
  'received_at',
  'routing_key',
  'valid',
  'problems',
  'resend_of',
  'data',
] as const satisfies readonly (keyof Envelope)[];
