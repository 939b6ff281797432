import type { Attempt } from '../journal/route-session.ts';
import type { Entry } from '../notification/entry.ts';

/**
 * What a delivery is in; docs/design.md has them as a diagram. In memory are those that are `pending` (its turn has still
 * to come), `attempting` (it is with the sink) and `withdrawn` (it is with the sink, and an operator has dropped it
 * meanwhile). Those that are `waiting`, `quarantined` and `dead` stand in the journal alone.
 */
export type DeliveryState =
  | 'pending'
  | 'attempting'
  | 'withdrawn'
  | 'waiting'
  | 'settled'
  | 'quarantined'
  | 'dead'
  | 'dropped';

/**
 * A notification on its way to a route's sink. Only `RouteLedger` changes it; all others see it as `Readonly`. A class,
 * because it lives as long as a batch: see `Header`.
 */
export class PendingDelivery {
  readonly entry: Entry;
  /** Its tries so far, all of which failed. */
  attempts: readonly Attempt[];
  /** True once the journal has a record of it, and so must be told when it is settled. */
  recorded: boolean;
  /** As of `Delivery`. */
  mayRepeat: boolean;
  state: DeliveryState = 'pending';
  /** The code of the sink's answer, once it is settled, if there is one. */
  code: number | string | null = null;

  constructor(entry: Entry, attempts: readonly Attempt[], recorded: boolean, mayRepeat: boolean) {
    this.entry = entry;
    this.attempts = attempts;
    this.recorded = recorded;
    this.mayRepeat = mayRepeat;
  }
}

/** Characters of a batch, where its sink says nothing else. */
const usualSize = 4 * 1024 * 1024;

/** How many of these go into one batch. @param size as of `SinkLimits` */
export function fittingOf(deliveries: readonly Readonly<PendingDelivery>[], size = usualSize): number {
  let characters = 0;
  const beyond = deliveries.findIndex(({ entry }) => {
    characters += entry.json.length;
    return characters > size;
  });
  return beyond === -1 ? deliveries.length : Math.max(1, beyond);
}
