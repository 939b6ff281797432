import pino from 'pino';
import { logSink } from '../../src/sinks/log/sink.ts';
import { delivery } from './notification.ts';

// Delivers batches to two log sinks at once, and says on stderr what becomes of them; and that its clock ticks all the
// while.
const [batches = '1', size = '1', ending = ''] = process.argv.slice(2);
const context = { route: 'test', log: pino({ level: 'silent' }) };
const sinks = [await logSink.open({ level: 'info' }, context), await logSink.open({ level: 'warn' }, context)];
let ticks = 0;
setInterval(() => {
  ticks += 1;
  if (ticks === 20) console.error('ticking');
}, 10).unref();
for (let batch = 0; batch < Number(batches); batch += 1) {
  const deliveries = [delivery(`${batch}-${'x'.repeat(Number(size))}${ending}`)];
  const signal = AbortSignal.timeout(5_000);
  const outcomes = await Promise.allSettled(sinks.map((sink) => sink.deliver(deliveries, signal)));
  for (const outcome of outcomes) {
    console.error(
      outcome.status === 'fulfilled' ? outcome.value[0]?.status : `${outcome.reason.name}: ${outcome.reason.message}`,
    );
  }
}
