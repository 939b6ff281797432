import { afterAll, beforeAll, describe, test } from '@jest/globals';
import type { Delivery } from '../../../src/notification/envelope.ts';
import type { SinkKind } from '../../../src/sinks/sink.ts';
import { type CaseName, cases } from './cases.ts';
import { Stage } from './stage.ts';

/**
 * What the contract is told of a sink: `keepsTheContract` tries each case of `cases.ts` on it, and a table in
 * docs/reference/sinks/faults.md shows all. A new sink adds one of these to `contracted.ts`, and what makes its place.
 */
export interface ContractedSink {
  /** As the table names it. */
  readonly name: string;
  /** Whether a batch that comes again, because nobody knows what became of it, is there once or twice, under the same ids. */
  readonly repeats: 'once' | 'twice';
  /** What the sink makes of each case, or why there is none. */
  readonly cases: Readonly<Record<CaseName, Ending | NotApplicable>>;
}

/**
 * `delivered`; `unavailable`: it throws SinkUnavailable; `away`: it asks for another try of each, and says that the place is
 * away; `retry`: for another try of each; `dead`: never again; `refused`: never again, though all may be refused; `given up`: it
 * lets go when the attempt's time is over; `partly`: some are delivered, and the others come again.
 */
export type Ending = 'delivered' | 'unavailable' | 'away' | 'retry' | 'dead' | 'refused' | 'given up' | 'partly';

/** A case that can't be, and the reason, as a sentence. */
export interface NotApplicable {
  readonly never: string;
}

/** Where a sink delivers to: a server, behind a proxy that makes a network's faults, or a folder. One for all cases. */
export interface Place {
  // Which options it takes is the sink's affair: they are checked against what it declares.
  readonly kind: Pick<SinkKind<never>, 'options' | 'rules' | 'limits' | 'open'>;
  /** The sink's, as in a configuration. */
  readonly options: object;
  /** Texts that nobody may read in what the sink says: those of its options, and of what the place says. */
  readonly secrets?: readonly string[];
  /** The ids of all that it holds, each as often as it holds it. */
  held(): Promise<readonly string[]>;
  /** How each case is made; none where the description says that there is none, or where it needs nothing. */
  readonly faults?: Faults;
  close(): Promise<void>;
}

export type Faults = Readonly<Partial<Record<CaseName, Fault>>>;

/** Makes a fault, before a batch comes. */
export type Fault = (batch: readonly Delivery[]) => Made | Promise<Made>;

export interface Made {
  /** In place of those of the place. */
  readonly options?: object;
  /** Resolves when the batch, which is under way, has met it. */
  met?(): Promise<void>;
  undo(): void | Promise<void>;
}

/** Tries each case on a sink. @param start makes its place: once, before the first of them */
export function keepsTheContract(sink: ContractedSink, start: () => Promise<Place>): void {
  describe(`by the contract of all sinks, ${sink.name}`, () => {
    let place: Place;

    beforeAll(async () => {
      place = await start();
    });

    afterAll(() => place?.close());

    for (const [name, ending] of Object.entries(sink.cases) as [CaseName, Ending | NotApplicable][]) {
      if (typeof ending !== 'string') continue;
      test(`${name}: ${ending}`, async () => {
        const stage = new Stage(sink, place, name);
        try {
          await cases[name](stage, ending);
        } catch (error) {
          // What it leaves open then is no news.
          await stage.end().catch(() => undefined);
          throw error;
        }
        await stage.end();
      });
    }
  });
}
