import { createInterface } from 'node:readline';
import pino from 'pino';
import { openNotifier } from '../../src/ops/systemd.ts';

// Tells systemd of a daemon in which that is stuck which the last line on stdin names, and does what the line says
// otherwise. It says "looked" on stderr whenever the watchdog has asked what is stuck.
let stuck: string[] = [];
const vitals = {
  summary: () => 'all is well',
  stuck() {
    console.error('looked');
    return stuck;
  },
};
const notifier = await openNotifier(vitals, pino());
notifier.ready();
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'reload') notifier.reloading();
  else if (line === 'ready') notifier.ready();
  else stuck = line === '' ? [] : [line];
}
await notifier.stopping();
process.exit(0);
