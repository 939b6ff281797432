import type { DeliveryRecord } from '../../../journal/operator-store.ts';
import type { Attempt } from '../../../journal/route-session.ts';

/** A letter as JSON for programs. */
export function jsonOf({ number, seq, accountId, receivedAt, updatedAt, dueAt, ...record }: DeliveryRecord): object {
  return {
    ...record,
    account_id: accountId,
    received_at: timeOf(receivedAt),
    updated_at: timeOf(updatedAt),
    due_at: dueOf(dueAt),
  };
}

/** Tries, without the operator's wishes to begin anew that are listed among them. */
export function triesOf(attempts: readonly Attempt[]): number {
  return attempts.filter(({ outcome }) => outcome !== 'restart').length;
}

export function timeOf(time: number): string {
  return new Date(time).toISOString();
}

/** When the next try is; null where there is none, or it waits behind another one. */
export function dueOf(dueAt: number | null): string | null {
  return dueAt === null ? null : timeOf(dueAt);
}

/** `1 try`, `2 tries`. */
export function tries(count: number): string {
  return `${count} ${count === 1 ? 'try' : 'tries'}`;
}

/** Why nothing of a route is tried that has left the configuration, and what can be done. */
export function noRoute(route: string): string {
  return `the configuration has no route ${route}; another one can deliver it: kazoo-relay replay --route NAME ID`;
}
