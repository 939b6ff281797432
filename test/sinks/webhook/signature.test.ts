import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { type Arrival, startReceiver } from '../../support/receiver.ts';
import { deliveryOf, openWebhook } from '../../support/webhook.ts';

const open: { close(): Promise<void> }[] = [];
const [one, other] = [secret(), secret()];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

describe('a signature', () => {
  test('is one that the library of Standard Webhooks verifies, ü and all', async () => {
    const [arrival] = await arrivals({ signature: { secrets: [one] } }, [{ zone: 'süd' }]);
    expect(verify(one, arrival)).toMatchObject({ zone: 'süd' });
    expect(() => verify(other, arrival)).toThrow('No matching signature');
  });

  test('is made with each of several secrets, so that one can replace another', async () => {
    const [arrival] = await arrivals({ signature: { secrets: [one, other] } }, [{}]);
    expect(verify(one, arrival)).toBeDefined();
    expect(verify(other, arrival)).toBeDefined();
  });

  test('takes a secret without its prefix too', async () => {
    const [arrival] = await arrivals({ signature: { secrets: [one.replace('whsec_', '')] } }, [{}]);
    expect(verify(one, arrival)).toBeDefined();
  });

  test.each(['standard', 'cloudevents', 'kazoo-json'])('is there with the format %s', async (format) => {
    const [arrival] = await arrivals({ format, signature: { secrets: [one] } }, [{}]);
    expect(verify(one, arrival)).toBeDefined();
  });

  test('is missing where there is no secret, but the id isn’t', async () => {
    const [arrival] = await arrivals({}, [{ id: 'i' }]);
    expect(arrival?.headers).toMatchObject({
      'webhook-id': 'i',
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
    });
    expect(arrival?.headers['webhook-signature']).toBeUndefined();
  });

  test('knows a batch by what is in it, however often it comes', async () => {
    const receiver = await startReceiver();
    open.push(receiver);
    const sink = await openWebhook({
      url: receiver.url,
      batch: { max: 9 },
      signature: { secrets: [one] },
      proxy: 'none',
    });
    open.push(sink);
    for (const ids of [['a', 'b'], ['a', 'b'], ['a', 'c'], ['a']]) {
      await sink.deliver(
        ids.map((id) => deliveryOf({ id })),
        new AbortController().signal,
      );
    }
    const [first, again, another, single] = receiver.arrivals.map(({ headers }) => headers['webhook-id']);
    expect(first).toMatch(/^batch-[0-9a-f]{32}$/);
    expect(again).toBe(first);
    expect(another).not.toBe(first);
    expect(single).toBe('a');
    expect(verify(one, receiver.arrivals[0])).toHaveLength(2);
  });
});

function secret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`;
}

function verify(key: string, arrival: Arrival | undefined): unknown {
  return new Webhook(key).verify(arrival?.body ?? '', arrival?.headers as Record<string, string>); // none comes twice
}

async function arrivals(options: object, notifications: object[]): Promise<Arrival[]> {
  const receiver = await startReceiver();
  open.push(receiver);
  const sink = await openWebhook({ url: receiver.url, proxy: 'none', ...options });
  open.push(sink);
  for (const parts of notifications) await sink.send(parts);
  return receiver.arrivals;
}
