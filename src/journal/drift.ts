import type { Notification } from '../notification/notification.ts';
import type { DriftKind } from './reader.ts';

/** How many kinds are told apart of one event, and of all events together that no schema is for. */
export const maxKinds = 200;

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

const unknownEvent = { path: '', keyword: 'unknownEvent' };
const index = /\/\d+(?=\/|$)/g;
