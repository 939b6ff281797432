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
  /**
   * Once a client has sent this text: what follows it is forwarded only after `act`, and to where that leaves it. An answer
   * to what stands before it may be under way.
   */
  when(text: string, act: () => void): void;
  /** Resolves when the next client has connected. */
  connected(): Promise<void>;
  /** Takes answers from the server no more, until `release`: then all of them come, late. */
  hold(): void;
  release(): void;
  /** Forwards in small pieces with a pause behind each, in both directions. */
  slow(isSlow: boolean): void;
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
  const upstreams = new Set<Socket>();
  const deaf = new WeakSet<Socket>();
  const frozen = { server: false, client: false };
  const acts = new Map<string, () => void>();
  let isHeld = false;
  let isSlow = false;

  // Each side ends when the other one has.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    const frames = speaks === 'amqp' ? splitFrames() : (chunk: Buffer) => [chunk];
    const split = splitBehind(acts);
    const forwardTo = (socket: Socket) => pacedWriter(socket, () => isSlow);
    const [toServer, toClient] = [forwardTo(upstream), forwardTo(client)];
    upstreams.add(upstream);
    if (isHeld) upstream.pause();
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        upstreams.delete(from);
        if (!(frozen.server || frozen.client)) to.destroy();
      });
    }
    client.on('data', (chunk) => {
      for (const { part, act } of split(chunk)) {
        if (!frozen.server) toServer.write(part);
        act?.();
      }
    });
    client.on('end', () => frozen.server || toServer.end());
    upstream.on('data', (chunk) => {
      if (frozen.client) return;
      for (const frame of frames(chunk)) if (!(deaf.has(client) && isDelivery(frame))) toClient.write(frame);
    });
    upstream.on('end', () => frozen.client || toClient.end());
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
    when: (text, act) => void acts.set(text, act),
    connected: async () => void (await once(server, 'connection')),
    hold: () => {
      isHeld = true;
      for (const upstream of upstreams) upstream.pause();
    },
    release: () => {
      isHeld = false;
      for (const upstream of upstreams) upstream.resume();
    },
    slow: (slowly) => {
      isSlow = slowly;
    },
    dropDeliveries: () => {
      for (const socket of sockets) deaf.add(socket);
    },
    stop,
    start: async () => void (await listen(port)),
    close: stop,
  };
}

/**
 * Cuts chunks behind each text that something is to be done at, which is told once: a text may also stand in two chunks.
 */
function splitBehind(acts: Map<string, () => void>) {
  let before = Buffer.alloc(0);
  return function* (chunk: Buffer): Generator<{ readonly part: Buffer; readonly act?: () => void }> {
    let rest = chunk;
    for (const [text, act] of acts) {
      const at = Buffer.concat([before, rest]).indexOf(text);
      const end = at + text.length - before.length;
      if (at === -1 || end <= 0) continue;
      acts.delete(text);
      yield { part: rest.subarray(0, end), act };
      rest = rest.subarray(end);
    }
    before = Buffer.concat([before, chunk]).subarray(-longestText);
    yield { part: rest };
  };
}

const longestText = 100;

/** Writes to a socket, whole chunks or small pieces of them, in their order. */
function pacedWriter(socket: Socket, isSlow: () => boolean): { write(chunk: Buffer): void; end(): void } {
  const pieces: Buffer[] = [];
  let isEnding = false;
  const writeNext = () => {
    const [piece] = pieces;
    if (piece === undefined) {
      if (isEnding) socket.end();
      return;
    }
    socket.write(piece, () => {
      pieces.shift();
      setTimeout(writeNext, 1);
    });
  };
  return {
    write(chunk) {
      const isIdle = pieces.length === 0;
      const size = isSlow() ? slowPiece : chunk.length;
      if (isIdle && !isSlow()) socket.write(chunk);
      else for (let at = 0; at < chunk.length; at += size) pieces.push(chunk.subarray(at, at + size));
      if (isIdle) writeNext();
    },
    end() {
      isEnding = true;
      if (pieces.length === 0) socket.end();
    },
  };
}

const slowPiece = 1024;

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
