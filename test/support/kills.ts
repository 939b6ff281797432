import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from '../../src/notification/envelope.ts';
import { type Sink, SinkUnavailable } from '../../src/sinks/sink.ts';
import { deliveries } from './database.ts';
import type { TestServer } from './server.ts';

/**
 * Delivers batch after batch as a route does, each until all of it is stored, while the server is killed and started
 * again some times. Gives the ids of all that the sink has confirmed.
 */
export async function deliverThroughKills(sink: Sink, server: TestServer, kills: number): Promise<string[]> {
  const confirmed: string[] = [];
  const killing = new AbortController();
  const failing = new AbortController();
  const delivering = (async () => {
    while (!killing.signal.aborted) {
      const batch = deliveries(200);
      await deliverAll(sink, batch, failing.signal);
      confirmed.push(...batch.map(({ header }) => header.id));
    }
  })();
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      // At random, so that it hits every stage of a batch: the test is right wherever it does.
      await delay(Math.random() * 200);
      await server.kill();
      await server.start();
    }
  } catch (error) {
    // Without a server nothing will ever be stored.
    failing.abort();
    throw error;
  } finally {
    killing.abort();
    await delivering;
  }
  return confirmed;
}

async function deliverAll(sink: Sink, batch: readonly Delivery[], signal: AbortSignal): Promise<void> {
  let pending = batch;
  while (pending.length > 0 && !signal.aborted) {
    try {
      const outcomes = await sink.deliver(pending, AbortSignal.timeout(10_000));
      if (outcomes.some(({ status }) => status === 'dead')) throw new Error('a good row was refused');
      pending = pending.filter((_delivery, index) => outcomes[index]?.status !== 'delivered');
    } catch (error) {
      if (!(error instanceof SinkUnavailable)) throw error;
      await delay(20);
    }
  }
}
