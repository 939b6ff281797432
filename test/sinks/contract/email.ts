import { emailSink } from '../../../src/sinks/email/sink.ts';
import type { Certificates } from '../../support/certificates.ts';
import { startSmtp } from '../../support/smtp.ts';
import type { ContractedSink, Place } from './contract.ts';
import { behindNetwork } from './network.ts';

export const email: ContractedSink = {
  name: 'email',
  repeats: 'twice',
  cases: {
    'down at the start': 'unavailable',
    'gone in the middle of a batch': 'partly',
    restarted: 'delivered',
    slow: 'delivered',
    'half open': 'given up',
    'reset, then silent': 'partly',
    'an answer after the deadline': 'given up',
    'one refused of many': 'dead',
    'credentials expired': 'unavailable',
    'a wrong name in TLS': 'unavailable',
    'the same batch after a crash': 'delivered',
    'closed while busy': 'delivered',
    '0 deliveries': 'delivered',
    '10,000 deliveries': 'delivered',
    'a body of 1 MB': 'delivered',
    'hostile texts': 'delivered',
  },
};

/** A mail server that lets in who has the password, and refuses the e-mail about an event of that name. */
export async function emailPlace({ server: pair, files }: Certificates): Promise<Place> {
  let password = 'gehei/m';
  const server = await startSmtp({
    password: (given) => (given === password ? undefined : `535 not ${given}`),
    message: (message) => (/^Subject: refused$/m.test(message) ? '554 not that one' : undefined),
  });
  const secure = await startSmtp({}, { ...pair, secure: true });
  return behindNetwork(
    server.port,
    (port) => {
      const options = {
        url: `smtp://127.0.0.1:${port}`,
        starttls: false,
        auth: { user: 'relay', password },
        from: 'phone@example.com',
        to: ['noc@example.com'],
        maxPerHour: 1_000_000,
        connections: 8,
        // Short, because there are ten thousand of them: what is usually said is looked at beside letters.
        template: { text: '{{ event }}' },
      };
      return {
        kind: emailSink,
        options,
        secrets: ['gehei/m', Buffer.from('\0relay\0gehei/m').toString('base64')],
        held: async () => server.received.map(({ message }) => /^Message-ID: <([^.]+)\./m.exec(message)?.[1] ?? ''),
        faults: {
          'one refused of many': () => ({ undo: () => undefined }),
          'credentials expired': () => {
            password = 'another';
            server.cut();
            return {
              undo: () => {
                password = 'gehei/m';
              },
            };
          },
          'a wrong name in TLS': () => ({
            options: { ...options, url: `smtps://127.0.0.1:${secure.port}`, auth: undefined, tls: { ca: files.ca } },
            undo: () => undefined,
          }),
        },
      };
    },
    async () => {
      await server.close();
      await secure.close();
    },
  );
}
