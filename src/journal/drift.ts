import type { Notification } from '../notification/notification.ts';
import type { Drift, DriftKind } from './reader.ts';

/** How many kinds are told apart of one event, and of all events together that no schema is for. */
const maxKinds = 200;

export function hasDrift({ problems, unknownFields }: Notification): boolean {
  return problems.length > 0 || unknownFields?.length !== 0;
}

/** Each kind once. An undecodable message has none, because its event is unknown. */
export function driftIn({ header, state, problems, unknownFields }: Notification): DriftKind[] {
  if (state === 'undecodable') return [];
  const known = unknownFields !== null;
  const kinds = [
    ...(known ? unknownFields.map((path) => ({ path, keyword: 'unknownField' })) : [unknownEvent]),
    ...problems.map(({ path, keyword }) => ({ path: path.replace(index, '/*'), keyword })),
  ];
  const unique = new Map(kinds.map((kind) => [`${kind.keyword} ${kind.path}`, kind]));
  return [...unique.values()].map((kind) => ({ event: header.event ?? '', known, ...kind }));
}

/** Where drift is summed up by its kinds. */
export interface DriftSums {
  /** Adds to a kind that there is; returns false where there is none. */
  add(drift: Drift): boolean;
  insert(drift: Drift): void;
  /** How many kinds there are that share a bound with this one. */
  kindsBeside(drift: DriftKind): number;
}

/** Adds what was found: what is beyond the bound of its kinds goes to one kind for all others. @param found each kind once */
export function addDrift(found: Iterable<Drift>, sums: DriftSums): void {
  const rooms = new Map<string, number>();
  for (const drift of found) {
    if (sums.add(drift)) continue;
    const group = groupOf(drift);
    const room = rooms.get(group) ?? maxKinds - sums.kindsBeside(drift);
    rooms.set(group, room - 1);
    if (room > 0) {
      sums.insert(drift);
      continue;
    }
    const other = { ...drift, event: group, path: '', keyword: 'other' };
    if (!sums.add(other)) sums.insert(other);
  }
}

/** What has a bound of its own: an event that a schema is for; all others together. */
function groupOf({ event, known }: DriftKind): string {
  return known ? event : 'unknown';
}

const unknownEvent = { path: '', keyword: 'unknownEvent' };
const index = /\/\d+(?=\/|$)/g;
