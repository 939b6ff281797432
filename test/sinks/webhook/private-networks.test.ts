import type { lookup } from 'node:dns';
import { afterEach, describe, expect, test } from '@jest/globals';
import { isPublic, publicLookup } from '../../../src/sinks/http/transport.ts';
import { type Receiver, startReceiver } from '../../support/receiver.ts';
import { openWebhook } from '../../support/webhook.ts';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

describe('an address', () => {
  test.each(['1.1.1.1', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450::1', '::ffff:1.1.1.1'])(
    '%s is public',
    (address) => {
      expect(isPublic(address)).toBe(true);
    },
  );

  test.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.9.9.9', '169.254.169.254', '172.16.0.1', '192.168.1.1'],
    ...['192.0.2.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
    ...['::', '::1', 'fe80::1', 'fc00::1', 'fd12::1', 'ff02::1', '2001:db8::1'],
    // What is not of 2000::/3 has been given to nobody, or leads to IPv4: compatible, translated, site-local, discard, SRv6.
    ...['::7f00:1', '::ffff:0:7f00:1', '64:ff9b:1::7f00:1', '100::1', 'fec0::1', '5f00::1', '1fff::1', '4000::1'],
    ...['2001::7f00:1', '2001:2::1', '2001:10::1', '3fff::1'],
    ...['::ffff:127.0.0.1', '::ffff:10.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', 'fe80::1%eth0', 'nonsense', ''],
  ])('%j is not', (address) => {
    expect(isPublic(address)).toBe(false);
  });
});

describe('where private networks are not allowed', () => {
  test.each(['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', '[::1]'])(
    'nothing goes to %s',
    async (host) => {
      const receiver = await receive();
      const url = receiver.url.replace('127.0.0.1', host);
      const sink = await openWebhook({ url, allowPrivateNetworks: false });
      open.push(sink);
      expect(await sink.send()).toMatchObject({
        status: 'retry',
        code: 'EPRIVATE',
        reason: expect.stringContaining('is not a public address, and allowPrivateNetworks is false'),
      });
      expect(receiver.connections).toBe(0);
    },
  );

  test('no token is fetched from there either', async () => {
    const receiver = await receive();
    const oauth2 = { tokenUrl: receiver.url, clientId: 'a', clientSecret: 'b' };
    const sink = await openWebhook({ url: 'http://192.0.2.1', auth: { oauth2 }, allowPrivateNetworks: false });
    open.push(sink);
    await expect(sink.send()).rejects.toThrow('is not a public address');
    expect(receiver.connections).toBe(0);
  });

  test('of a name’s addresses only the public ones are left, each time it is looked up', async () => {
    const answers = [['1.1.1.1', '10.0.0.1'], ['10.0.0.1'], ['::ffff:10.0.0.1', '2606:4700::1']];
    const lookUp = publicLookup(answering(answers));
    expect(await resolve(lookUp)).toEqual(['1.1.1.1']);
    await expect(resolve(lookUp)).rejects.toThrow('evil.example is not a public address');
    expect(await resolve(lookUp)).toEqual(['2606:4700::1']);
  });
});

/** A fake, because no name on loopback has a public address: gives one answer after the other. */
function answering(answers: string[][]): typeof lookup {
  const fake = (_: string, __: object, callback: (error: null, found: object[]) => void) =>
    callback(
      null,
      (answers.shift() ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  return fake as typeof lookup; // it is called in just one of the ways that lookup can be called
}

function resolve(lookUp: ReturnType<typeof publicLookup>): Promise<string[]> {
  return new Promise((done, fail) => {
    lookUp('evil.example', { all: true }, (error, found) => {
      if (error) fail(error);
      else done(typeof found === 'string' ? [found] : found.map(({ address }) => address));
    });
  });
}

async function receive(): Promise<Receiver> {
  const receiver = await startReceiver();
  open.push(receiver);
  return receiver;
}
