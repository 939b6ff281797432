import type { Outline } from '../../../config/outline.ts';
import type { DeliveryRecord, OperatorStore } from '../../../journal/operator-store.ts';

/** What the commands `dead` and `waiting` differ in: all else they have in common. */
export interface Kind {
  readonly name: 'dead' | 'waiting';
  readonly states: readonly DeliveryRecord['state'][];
  /** What is said where there is none. */
  readonly none: string;
  /** What is said of a notification of which nothing is of this kind, before the reason. */
  readonly denied: string;
  /** What a line says behind the id, and a group behind its route; the other kind has something else there. */
  readonly detail: { readonly head: string; of(line: Pick<DeliveryRecord, 'state' | 'dueAt'>): string };
  readonly retry: {
    readonly description: string;
    /** What is said of those that it has changed, behind their number. */
    readonly done: string;
    /** Returns how many it has changed. */
    change(store: OperatorStore, records: readonly DeliveryRecord[]): Promise<number>;
    judge(store: OperatorStore, config: Outline): Judge;
  };
}

/** Says why one can't be tried again, or null where it can. */
export type Judge = (record: DeliveryRecord) => string | null | Promise<string | null>;
