import { jsonString } from '../common/text/format.ts';
import { rfc3339Writer } from '../kazoo/time.ts';
import type { Entry } from '../notification/entry.ts';
import type { Envelope } from '../notification/envelope.ts';

/** The envelope of an entry, with its secrets replaced. */
export function envelopeOf(entry: Entry): Envelope {
  return { ...envelopeHeader(entry), data: entry.data };
}

/** All but the body. */
export function envelopeHeader(entry: Entry): Omit<Envelope, 'data'> {
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

/**
 * The envelope's JSON text, made without the envelope; the body's goes through as the journal has it. Ids are our own: they
 * need no escapes.
 */
export function envelopeJson(entry: Entry): string {
  const { id, event, category, accountId, zone, node, routingKey, state, problems, resendOf, json } = entry;
  const original = resendOf === null ? 'null' : `"${resendOf}"`;
  return (
    `{"id":"${id}","event":${jsonString(event)},"category":${jsonString(category)},"account_id":${jsonString(accountId)},` +
    `"zone":${jsonString(zone)},"node":${jsonString(node)},"occurred_at":"${occurredAt(entry.occurredAt)}",` +
    `"received_at":"${receivedAt(entry.receivedAt)}","routing_key":${jsonString(routingKey)},"valid":${state === 'valid'},` +
    `"problems":${problems.length === 0 ? '[]' : JSON.stringify(problems)},"resend_of":${original},"data":${json}}`
  );
}

const occurredAt = rfc3339Writer();
const receivedAt = rfc3339Writer();
