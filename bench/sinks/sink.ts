import pino from 'pino';
import { sinkKind } from '../../src/sinks/registry.ts';
import { sinkOptions } from '../../test/support/sink-options.ts';
import { contend } from '../process.ts';
import { batches, type SinkTask } from './batches.ts';

// The sink as a route has it: as many batches at a time as the sink takes, and each outcome is looked at.

await contend<SinkTask>(async (task) => {
  const kind = await sinkKind(task.type);
  const options = sinkOptions(kind, task.options);
  const sink = await kind.open(options, { route: 'bench', log: pino({ level: 'warn' }, pino.destination(2)) });
  const all = batches(task).values();
  const { signal } = new AbortController();
  const deliverRest = async () => {
    for (const batch of all) {
      const outcomes = await sink.deliver(batch, signal);
      if (outcomes.some(({ status }) => status !== 'delivered')) throw new Error(JSON.stringify(outcomes[0]));
    }
  };
  return {
    run: () => Promise.all(Array.from({ length: kind.limits(options).concurrency }, deliverRest)),
    close: () => sink.close(),
  };
});
