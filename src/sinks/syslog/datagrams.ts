import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { codeOf } from '../../common/errors.ts';
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
  let isClosed = false;
  return {
    async send(messages, said) {
      for (const { text } of messages) {
        if (failure !== undefined) throw failure;
        const error = await new Promise<Error | null>((resolve) => socket.send(text, resolve));
        if (error !== null && codeOf(error) !== 'EMSGSIZE') throw error;
        said.push(error === null ? 'taken' : 'too large');
      }
    },
    close() {
      if (!isClosed) socket.close();
      isClosed = true;
    },
  };
}
