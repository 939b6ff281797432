import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy on loopback, to make the faults of a network between two programs. */
export interface TestProxy {
  readonly port: number;
  /** Resets every connection. */
  cut(): void;
  /**
   * Forwards nothing any more, in one direction or both, without a word to either side: a link that is half open. What
   * comes meanwhile is gone, with the connections that it came on.
   */
  freeze(towards?: 'server' | 'client'): void;
  /** Forwards again what comes from now on, on new connections too. */
  thaw(): void;
  /** Drops AMQP deliveries on the connections that are open now, and forwards all else. */
  dropDeliveries(): void;
  /** Resets every connection, and refuses new ones, as where nobody listens any more. */
  stop(): Promise<void>;
  /** Takes connections again, on the same port. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** @param speaks what goes through it: AMQP is taken apart, so that its deliveries can be dropped */
export async function startProxy(target: number, speaks: 'amqp' | 'anything' = 'amqp'): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  const deaf = new WeakSet<Socket>();
  const frozen = { server: false, client: false };

  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    const frames = speaks === 'amqp' ? splitFrames() : (chunk: Buffer) => [chunk];
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        if (!(frozen.server || frozen.client)) to.destroy();
      });
    }
    client.on('data', (chunk) => {
      if (!frozen.server) upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (frozen.client) return;
      for (const frame of frames(chunk)) if (!(deaf.has(client) && isDelivery(frame))) client.write(frame);
    });
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port; // it listens on a port
  };
  const port = await listen(0);

  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const stop = async () => {
    cut();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  return {
    port,
    cut,
    freeze: (towards) => {
      frozen.server = towards !== 'client';
      frozen.client = towards !== 'server';
    },
    thaw: () => {
      frozen.server = false;
      frozen.client = false;
    },
    dropDeliveries: () => {
      for (const socket of sockets) deaf.add(socket);
    },
    stop,
    start: async () => void (await listen(port)),
    close: stop,
  };
}

/** Cuts a stream of bytes into whole AMQP frames. */
function splitFrames(): (chunk: Buffer) => Buffer[] {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const frames: Buffer[] = [];
    while (rest.length >= 7) {
      const size = 7 + rest.readUInt32BE(3) + 1;
      if (rest.length < size) break;
      frames.push(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    return frames;
  };
}

/** A `basic.deliver`, or the content that follows it: nothing else here has content. */
function isDelivery(frame: Buffer): boolean {
  const type = frame.readUInt8(0);
  return type === 2 || type === 3 || (type === 1 && frame.readUInt32BE(7) === 0x003c003c);
}
