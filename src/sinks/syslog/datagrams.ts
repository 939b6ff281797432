import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { Connection } from './connection.ts';

/** UDP: a datagram for each message. That nobody listens is known where the other machine says so, after the first. */
export async function openDatagrams(place: { readonly host: string; readonly port: number }): Promise<Connection> {
  const { address, family } = await lookup(place.host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  let failure: Error | undefined;
  socket.connect(place.port, address);
  try {
    await once(socket, 'connect');
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', (error) => {
    failure = error;
  });
  return {
    async send(messages) {
      for (const { text } of messages) {
        if (failure !== undefined) throw failure;
        await new Promise<void>((resolve, reject) => {
          socket.send(text, (error) => (error === null ? resolve() : reject(error)));
        });
      }
    },
    close: () => void socket.close(),
  };
}
