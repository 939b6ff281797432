import type { Entry } from '../journal/journal.ts';
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
    occurred_at: new Date(entry.occurredAt).toISOString(),
    received_at: new Date(entry.receivedAt).toISOString(),
    routing_key: entry.routingKey,
    valid: entry.state === 'valid',
    problems: entry.problems,
    resend_of: entry.resendOf,
  };
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
