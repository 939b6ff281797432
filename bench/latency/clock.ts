import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Message } from '../../src/cli/support/publisher.ts';
import { until } from '../../test/support/until.ts';

/** A receiver of webhooks that knows when each notification was sent. */
export interface Clock {
  readonly url: string;
  /**
   * Sends the messages, evenly spread, and gives the milliseconds that each took to arrive, in the order of sending.
   */
  time(messages: readonly Message[], perSecond: number, send: (message: Message) => Promise<void>): Promise<number[]>;
  close(): Promise<void>;
}

export async function startClock(): Promise<Clock> {
  let sent = new Map<string, number>();
  let arrived = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const now = performance.now();
    const id = idIn(await text(request));
    if (!arrived.has(id)) arrived.set(id, now);
    response.writeHead(204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    async time(messages, perSecond, send) {
      [sent, arrived] = [new Map(), new Map()];
      const begin = performance.now();
      for (const [index, message] of messages.entries()) {
        const early = begin + (index * 1_000) / perSecond - performance.now();
        if (early > 0) await delay(early);
        sent.set(idIn(message.body.toString()), performance.now());
        await send(message);
      }
      await until(() => arrived.size === sent.size, { what: 'all to arrive' });
      return [...sent].map(([id, at]) => (arrived.get(id) ?? Number.NaN) - at);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Of the message, as KAZOO wrote it and as a sink gets it. */
function idIn(body: string): string {
  const [, id] = /"(?:Msg-ID|msg_id)":"([0-9a-f]+)"/.exec(body) ?? [];
  if (id === undefined) throw new Error(`there is no id in ${body}`);
  return id;
}
