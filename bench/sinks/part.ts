import { join } from 'node:path';
import { measure } from '../process.ts';
import { type Figures, type Part, throughput, throughputOf } from '../rounds.ts';
import type { SinkTask } from './batches.ts';

/** Where a sink delivers to, while it is measured. */
interface SinkPlace {
  /** Of the sink, as in a configuration. */
  readonly options: SinkTask['options'];
  /** Empties it, before each run. */
  empty(): Promise<void>;
  /** How many notifications it holds. */
  count(): Promise<number>;
  close(): Promise<void>;
}

interface MeasuredSink {
  /** Of the part. */
  readonly name: string;
  /** Of the sink. */
  readonly type: string;
  /** Notifications at the usual scale. */
  readonly usual: number;
  /** The least rate, as a share of the first bare loop's. */
  readonly atLeast?: number;
  readonly open: () => Promise<SinkPlace>;
  /**
   * Programs that hand the same batches to the same library, in as few lines as anybody would: the first one is what the sink
   * is measured against.
   */
  readonly bare: readonly { readonly name: string; readonly program: string; readonly options?: object }[];
}

const batchSize = 500;

/** A sink's `deliver` against the barest loop with its library. */
export function sinkPart({ name, type, usual, atLeast = 0.8, open, bare }: MeasuredSink): Part {
  return {
    name,
    metrics: throughput,
    async open(scale) {
      // Whole batches.
      const items = Math.ceil((usual * scale) / batchSize) * batchSize;
      const place = await open();
      const task: SinkTask = { type, options: place.options, items, batchSize };
      const onEmptyPlace = async (program: string, options: object = {}): Promise<Figures> => {
        await place.empty();
        const measurement = await measure(program, { ...task, ...options });
        const count = await place.count();
        if (count !== items) throw new Error(`${name} holds ${count} notifications, not ${items}`);
        return throughputOf(measurement, items);
      };
      return {
        contenders: [
          ...bare.map((contender) => ({
            name: contender.name,
            run: () => onEmptyPlace(contender.program, contender.options),
          })),
          {
            name: `${type} sink`,
            targets: { rate: { atLeast } },
            run: () => onEmptyPlace(join(import.meta.dirname, 'sink.ts')),
          },
        ],
        close: () => place.close(),
      };
    },
  };
}
