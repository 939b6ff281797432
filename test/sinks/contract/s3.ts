import { s3Sink } from '../../../src/sinks/s3/sink.ts';
import type { Certificates } from '../../support/certificates.ts';
import { credentials, refusal, startStore } from '../../support/s3-store.ts';
import type { ContractedSink, Place } from './contract.ts';
import { behindNetwork } from './network.ts';

export const s3: ContractedSink = {
  name: 's3',
  // The same objects replace themselves; but after a crash, batches are cut in other places.
  repeats: 'twice',
  cases: {
    'down at the start': 'unavailable',
    'gone in the middle of a batch': 'unavailable',
    restarted: 'delivered',
    slow: 'delivered',
    'half open': 'unavailable',
    'reset, then silent': 'unavailable',
    'an answer after the deadline': 'unavailable',
    'one refused of many': 'retry',
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

/** A store that checks signatures, and refuses one prefix. */
export async function s3Place({ server, files }: Certificates): Promise<Place> {
  const store = await startStore();
  store.fault = ({ key }) => (key.includes('/refused/') ? refusal(403, 'AccessDenied', 'Access Denied') : undefined);
  const secure = await startStore(server);
  return behindNetwork(
    store.port,
    (port) => {
      const options = {
        ...credentials,
        endpoint: `http://127.0.0.1:${port}`,
        bucket: 'archive',
        prefix: '{date}/{account_id}/{category}/{zone}/{event}/',
        // What goes by is looked into on the way.
        compress: 'none',
        proxy: 'none',
      };
      return {
        kind: s3Sink,
        options,
        secrets: [credentials.secretAccessKey],
        held: async () => store.lines().map((line) => JSON.parse(line).id),
        faults: {
          'one refused of many': () => ({ undo: () => undefined }),
          'credentials expired': () => {
            store.secretAccessKey = 'another';
            return {
              undo: () => {
                store.secretAccessKey = credentials.secretAccessKey;
              },
            };
          },
          'a wrong name in TLS': () => ({
            options: { ...options, endpoint: secure.url, tls: { ca: files.ca } },
            undo: () => undefined,
          }),
        },
      };
    },
    async () => {
      await store.close();
      await secure.close();
    },
  );
}
