import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { until } from '../../../test/support/until.ts';
import { sinkPart } from '../part.ts';

/** Over TCP, to a receiver that only counts. */
export const syslog = sinkPart({
  name: 'syslog',
  type: 'syslog',
  usual: 200_000,
  atLeast: 0.85,
  bare: [{ name: 'bare socket', program: join(import.meta.dirname, 'bare.ts') }],
  async open() {
    const open = new Set<Socket>();
    let count = 0;
    const server = createServer((socket) => {
      const frames = frameCounter();
      open.add(socket.on('close', () => open.delete(socket)).on('error', () => undefined));
      socket.on('data', (bytes) => {
        count += frames(bytes);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo; // it listens on a port
    return {
      options: { url: `tcp://127.0.0.1:${port}` },
      async empty() {
        count = 0;
      },
      async count() {
        await until(() => open.size === 0, { what: 'the end of the connection' });
        return count;
      },
      close: async () => void server.close(),
    };
  },
});

/** Counts messages by their lengths, of which any may be cut. */
function frameCounter(): (bytes: Buffer) => number {
  let length = 0;
  let left = 0;
  return (bytes) => {
    let ended = 0;
    for (let at = 0; at < bytes.length; ) {
      if (left > 0) {
        const step = Math.min(left, bytes.length - at);
        left -= step;
        at += step;
        if (left === 0) ended += 1;
        continue;
      }
      const byte = bytes[at] ?? 0;
      at += 1;
      if (byte === 0x20) [left, length] = [length, 0];
      else length = length * 10 + byte - 0x30;
    }
    return ended;
  };
}
