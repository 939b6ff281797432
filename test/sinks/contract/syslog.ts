import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { syslogSink } from '../../../src/sinks/syslog/sink.ts';
import type { Certificates } from '../../support/certificates.ts';
import type { ContractedSink, Place } from './contract.ts';
import { behindNetwork } from './network.ts';

const noAnswer = {
  never:
    'syslog confirms nothing: what the operating system has taken counts as delivered, and is lost if the connection breaks.',
};

export const syslog: ContractedSink = {
  name: 'syslog: TCP, TLS',
  repeats: 'twice',
  cases: {
    'down at the start': 'unavailable',
    'gone in the middle of a batch': noAnswer,
    restarted: noAnswer,
    slow: 'delivered',
    'half open': noAnswer,
    'reset, then silent': noAnswer,
    'an answer after the deadline': noAnswer,
    'one refused of many': noAnswer,
    'credentials expired': {
      never:
        'syslog has no credentials but a certificate. A server that refuses it does so when a connection opens: it is unavailable then.',
    },
    'a wrong name in TLS': 'unavailable',
    'the same batch after a crash': 'delivered',
    'closed while busy': 'delivered',
    '0 deliveries': 'delivered',
    '10,000 deliveries': 'delivered',
    'a body of 1 MB': 'delivered',
    'hostile texts': 'delivered',
  },
};

/** A server that reads the id in the structured data of each message. */
export async function syslogPlace({ server: pair, files }: Certificates): Promise<Place> {
  const texts: (() => string)[] = [];
  const sockets = new Set<Socket>();
  const take = (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined));
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
    });
    texts.push(() => text);
  };
  const server = createServer(take);
  const secure = createTlsServer({ ...pair }, take);
  for (const each of [server, secure]) await once(each.listen(0, '127.0.0.1'), 'listening');
  secure.on('tlsClientError', () => undefined);
  const portOf = (each: typeof server) => (each.address() as AddressInfo).port; // it listens on a port
  return behindNetwork(
    portOf(server),
    (port) => {
      const options = { url: `tcp://127.0.0.1:${port}`, maxSize: '4MiB' };
      return {
        kind: syslogSink,
        options,
        held: async () =>
          texts.flatMap((text) => [...text().matchAll(/\[kazoo@32473 id="([^"]+)"/g)].map(([, id = '']) => id)),
        faults: {
          'a wrong name in TLS': () => ({
            options: { ...options, url: `tls://127.0.0.1:${portOf(secure)}`, tls: { ca: files.ca } },
            undo: () => undefined,
          }),
        },
      };
    },
    async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      secure.close();
    },
  );
}
