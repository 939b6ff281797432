import pino from 'pino';
import { fileSink } from '../../src/sinks/file/sink.ts';
import { delivery } from './notification.ts';

// Delivers to the file that it is given until that can't grow, then something that still fits.
const sink = await fileSink.open(
  { path: process.argv[2] ?? '', maxSize: 0, rotate: 0, keep: 0, compress: 'none', mode: '0640' },
  { route: 'test', log: pino({ level: 'silent' }) },
);
const { signal } = new AbortController();
try {
  for (;;)
    await sink.deliver(
      ['a', 'b', 'c'].map((id) => delivery(id.repeat(100))),
      signal,
    );
} catch (error) {
  console.log(String(error));
}
await sink.deliver([delivery('d')], signal).then(
  () => console.log('then delivered'),
  (error) => console.log(`then ${error}`),
);
await sink.close();
