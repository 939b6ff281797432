import { formatBytes } from '../common/text/format.ts';

/** Something that keeps what the journal holds from being removed. */
export interface Holder {
  /** About. */
  readonly bytes: number;
  /** What it is, and what an operator can do about it. */
  readonly text: string;
}

/** So many rows are looked at to tell how large all are. */
export const sample = 100;

/** A reason holds for so many times as long as it took to find it: with millions of records it isn't found with each try. */
export const reasonHolds = 20;

/** As many are named at most; none that is smaller than this part of the largest. */
const named = 3;
const worthNaming = 0.25;

/** Why a journal is full, for an operator: what really holds its space, the largest first. */
export function fullReason(maxSize: number, all: readonly Holder[], isEmpty: boolean): string {
  return `the journal has reached journal.maxSize (${formatBytes(maxSize)}): ${heldBy(all, isEmpty)}`;
}

function heldBy(all: readonly Holder[], isEmpty: boolean): string {
  const holders = all.filter(({ bytes }) => bytes > 0).sort((one, other) => other.bytes - one.bytes);
  const least = (holders[0]?.bytes ?? 0) * worthNaming;
  const texts = holders
    .filter(({ bytes }) => bytes >= least)
    .slice(0, named)
    .map(({ bytes, text }) => `about ${formatBytes(bytes)} by ${text}`);
  if (texts.length > 0) return `it is held ${texts.join('; ')}`;
  return isEmpty ? 'it is empty, and takes more than that: raise journal.maxSize' : 'what is in it is being removed';
}

/** What is listed. */
export function listedText(route: string, state: string, count: number): string {
  switch (state) {
    case 'undecodable':
      return `${count} undecodable messages: "kazoo-relay dead list --group", then "dead drop"`;
    case 'waiting':
      return `${count} deliveries of the route ${route} that wait for another try: "kazoo-relay waiting list --group" says why`;
    case 'dead':
      return `${count} dead letters of the route ${route}: fix the cause, then "kazoo-relay dead retry", or "dead drop"`;
    default:
      return `${count} notifications that the route ${route} has quarantined: "kazoo-relay dead retry", or "dead drop"`;
  }
}

/** What a route hasn't come to yet. */
export function lagText(route: string, count: number): string {
  return `the route ${route}, which is behind by ${count} notifications: repair its sink, or remove it from the configuration`;
}
