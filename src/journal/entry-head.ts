import { Entry } from '../notification/entry.ts';
import { headerIn, headJson, headLength } from '../notification/header.ts';
import type { Notification, NotificationState, Problem, Secret } from '../notification/notification.ts';

/*
 * What is known of a notification besides its id, its times and its body: a JSON array in one column (`head`), because
 * a store takes an insert's time by the value. Each of its places has a name: those of the header, and these.
 */
export const headPlaces = { state: 8, problems: 9, resendOf: 10, secrets: 11 } as const;

/** @param resendOf null where a store keeps it elsewhere */
export function headOf(
  { header, state, problems, secrets }: Pick<Notification, 'header' | 'state' | 'problems' | 'secrets'>,
  resendOf: string | null,
): string {
  const found = problems.length === 0 ? '[]' : JSON.stringify(problems);
  const original = resendOf === null ? 'null' : `"${resendOf}"`;
  return headJson(header, `"${state}",${found},${original},${secrets.length === 0 ? '[]' : JSON.stringify(secrets)}`);
}

/** What a store has beside the head, in the order in which both have their columns. */
export type EntryRow = readonly [
  seq: number,
  id: string,
  occurredAt: number,
  receivedAt: number,
  head: string,
  json: string,
];

/**
 * @param resendOf where the head doesn't have it
 * @throws SyntaxError where the head was overwritten
 */
export function entryIn(
  [seq, id, occurredAt, receivedAt, head, json]: EntryRow,
  resendOf: string | null = null,
): Entry {
  const known = knownHeadIn(head);
  return new Entry(seq, resendOf ?? (known[headPlaces.resendOf] as string | null), {
    header: headerIn(known, id, occurredAt, receivedAt),
    state: known[headPlaces.state] as NotificationState,
    problems: known[headPlaces.problems] as readonly Problem[],
    json,
    secrets: known[headPlaces.secrets] as readonly Secret[],
  });
}

/** Most heads come again and again, and to look one up costs a fourth of parsing it. */
const knownHeads = new Map<string, readonly unknown[]>();
const mostKnownHeads = 2_000;
const longestKnownHead = 1_024;

function knownHeadIn(text: string): readonly unknown[] {
  const known = knownHeads.get(text);
  if (known !== undefined) return known;
  const head = headIn(text);
  const secrets = head[headPlaces.secrets] as readonly Secret[];
  // What repeats another one names that, so that no other head is the same; and no secret is held for longer than it must be.
  const comesAgain = head[headPlaces.resendOf] === null && secrets.length === 0 && text.length <= longestKnownHead;
  if (!comesAgain) return head;
  if (knownHeads.size >= mostKnownHeads) knownHeads.clear();
  knownHeads.set(text, head);
  return head;
}

/** How many places the first version had. */
export const fewestPlaces = 12;
export const headStates: readonly unknown[] = ['valid', 'invalid', 'undecodable'] satisfies NotificationState[];

/** @throws SyntaxError where it can't be what `headOf` wrote: some of it was overwritten */
function headIn(text: string): readonly unknown[] {
  const head: unknown = JSON.parse(text);
  const fits = Array.isArray(head) && head.length >= fewestPlaces && head.length <= headLength;
  if (fits && headStates.includes(head[headPlaces.state])) return head;
  throw new SyntaxError('what is known of a notification was overwritten');
}

export function isHead(text: string): boolean {
  try {
    headIn(text);
    return true;
  } catch {
    return false;
  }
}
