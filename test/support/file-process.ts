import { createInterface } from 'node:readline';
import pino from 'pino';
import { fileSink } from '../../src/sinks/file/sink.ts';
import { delivery } from './notification.ts';

// A file sink that compresses, for the path that it is given: delivers a notification for each id on stdin, and rotates
// before each. Its log and what became of them go to stdout.
const sink = await fileSink.open(
  { path: process.argv[2] ?? '', maxSize: 1, rotate: 0, keep: 0, compress: 'gzip', mode: '0640' },
  { route: 'test', log: pino({ level: 'info' }, pino.destination({ dest: 1, sync: true })) },
);
for await (const id of createInterface(process.stdin)) {
  await sink.deliver([delivery(id)], new AbortController().signal);
  console.log(`delivered ${id}`);
}
await sink.close();
