import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type FrameReader, sendTogether } from '../../../src/common/net/amqplib.ts';

test('what is written within a turn reaches the system together, in order, and each callback is called', async () => {
  const calls: string[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write(chunk, _, done) {
      calls.push(String(chunk));
      done();
    },
    writev(chunks, done) {
      calls.push(chunks.map(({ chunk }) => String(chunk)).join('+'));
      done();
    },
  });
  sendTogether({ stream } as FrameReader); // all that it uses
  const ended: string[] = [];
  for (const text of ['a', 'b', 'c']) stream.write(text, () => ended.push(text));
  await nextTurn();
  stream.write('d');
  await nextTurn();
  expect([calls, ended]).toEqual([
    ['a+b+c', 'd'],
    ['a', 'b', 'c'],
  ]);
});
