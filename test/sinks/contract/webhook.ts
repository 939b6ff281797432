import { webhookSink } from '../../../src/sinks/webhook/sink.ts';
import type { Certificates } from '../../support/certificates.ts';
import { type Reply, startReceiver } from '../../support/receiver.ts';
import type { ContractedSink, Place } from './contract.ts';
import { behindNetwork } from './network.ts';

export const webhook: ContractedSink = {
  name: 'webhook',
  repeats: 'twice',
  cases: {
    'down at the start': 'away',
    'gone in the middle of a batch': 'away',
    restarted: 'delivered',
    slow: 'delivered',
    'half open': 'away',
    'reset, then silent': 'away',
    'an answer after the deadline': 'away',
    'one refused of many': 'dead',
    'credentials expired': 'refused',
    'a wrong name in TLS': 'away',
    'the same batch after a crash': 'delivered',
    'closed while busy': 'delivered',
    '0 deliveries': 'delivered',
    '10,000 deliveries': 'delivered',
    'a body of 1 MB': 'delivered',
    'hostile texts': 'delivered',
  },
};

/** A receiver of batches, which lets in who has the token, and refuses what holds something that it refuses. */
export async function webhookPlace({ server, files }: Certificates): Promise<Place> {
  let token = 'geheim';
  const held: string[] = [];
  const take = ({ headers, body }: { headers: { authorization?: string | undefined }; body: string }): Reply => {
    if (headers.authorization !== `Bearer ${token}`) return { status: 401, body: headers.authorization ?? '' };
    const envelopes: { id: string; event: string }[] = [JSON.parse(body)].flat();
    if (envelopes.some(({ event }) => event === 'refused')) return 422;
    held.push(...envelopes.map(({ id }) => id));
    return 200;
  };
  const receiver = await startReceiver(take);
  const secure = await startReceiver(take, { tls: server });
  return behindNetwork(
    receiver.port,
    (port) => {
      const options = {
        url: `http://127.0.0.1:${port}/hooks/geheim`,
        batch: { max: 500 },
        auth: { bearer: { token } },
        proxy: 'none',
      };
      return {
        kind: webhookSink,
        options,
        secrets: ['geheim'],
        held: async () => held,
        faults: {
          'one refused of many': () => ({ undo: () => undefined }),
          'credentials expired': () => {
            token = 'another';
            return {
              undo: () => {
                token = 'geheim';
              },
            };
          },
          'a wrong name in TLS': () => ({
            options: { ...options, url: secure.url, tls: { ca: files.ca } },
            undo: () => undefined,
          }),
        },
      };
    },
    async () => {
      await receiver.close();
      await secure.close();
    },
  );
}
