import { createHook } from 'node:async_hooks';
import { expect, test } from '@jest/globals';
import pino from 'pino';
import { RouteLiveness } from '../../src/delivery/liveness.ts';
import { SinkClient } from '../../src/delivery/sink-client.ts';
import type { Outcome, Sink } from '../../src/sinks/sink.ts';

test('an attempt takes no more promises than the eight that its steps need', async () => {
  const delivered: Outcome[] = [];
  const sink: Sink = { deliver: () => Promise.resolve(delivered), close: () => Promise.resolve() };
  const log = pino({ level: 'silent' });
  const client = new SinkClient(async () => sink, 60_000, new RouteLiveness(60_000), log);
  const { signal } = new AbortController();
  // Opens the sink.
  await client.deliver([], signal);
  let promises = 0;
  const hook = createHook({
    init(_, type) {
      if (type === 'PROMISE') promises += 1;
    },
  }).enable();
  for (let attempt = 0; attempt < 100; attempt += 1) await client.deliver([], signal);
  hook.disable();
  await client.close();
  expect(promises / 100).toBeLessThanOrEqual(8);
});
