import { jsonString } from '../../common/text/format.ts';
import type { Notification, NotificationState, Problem, Secret } from '../../kazoo/notification.ts';

/**
 * What is known of a notification besides its times and its body: a JSON array in one column (`head`), because SQLite takes an
 * insert's time by the value. The view `entries` has columns for what stands in it, by these places.
 */
type Metadata = readonly [
  event: string | null,
  known: boolean,
  category: string | null,
  accountId: string | null,
  zone: string,
  node: string | null,
  routingKey: string,
  preview: boolean,
  state: NotificationState,
  problems: readonly Problem[],
  resendOf: string | null,
  secrets: readonly Secret[],
];

/** Written piece by piece, because nearly all of them come again and again. */
export function metadataText(notification: Notification, resendOf: string | null): string {
  const { event, known, category, accountId, zone, node, routingKey, preview, state, problems, secrets } = notification;
  return (
    `[${jsonString(event)},${known},${jsonString(category)},${jsonString(accountId)},${jsonString(zone)},${jsonString(node)},` +
    `${jsonString(routingKey)},${preview},"${state}",${problems.length === 0 ? '[]' : JSON.stringify(problems)},` +
    `${JSON.stringify(resendOf)},${secrets.length === 0 ? '[]' : JSON.stringify(secrets)}]`
  );
}

const length = 12;
const states: readonly unknown[] = ['valid', 'invalid', 'undecodable'] satisfies NotificationState[];

/** @throws SyntaxError where it can't be what `metadataText` wrote: some of it was overwritten */
export function metadataIn(text: string): Metadata {
  const metadata: unknown = JSON.parse(text);
  if (Array.isArray(metadata) && metadata.length === length && states.includes(metadata[8]))
    return metadata as unknown as Metadata;
  throw new SyntaxError('what is known of a notification was overwritten');
}

export function isMetadata(text: string): boolean {
  try {
    metadataIn(text);
    return true;
  } catch {
    return false;
  }
}

/** The same as SQL, of the column. */
export const isMetadataInSql = `CASE WHEN json_valid(head) THEN json_array_length(head) = ${length}
  AND head ->> 8 IN (${states.map((state) => `'${state}'`).join(', ')}) ELSE 0 END`;

/** SQL that saves what a validator has found. Parameters: its state, its problems as JSON, and `seq`. */
export const updateValidation = `UPDATE notifications SET head = json_set(head, '$[8]', ?, '$[9]', json(?)) WHERE seq = ?`;
