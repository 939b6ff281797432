import { readFileSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { frameReaderOf, knownVersion, leaveOutHeaders } from '../../../src/common/net/amqplib.ts';

const known = {
  stream: new Duplex(),
  maxFrameSize: 0,
  rest: Buffer.alloc(0),
  recvSinceLastCheck: false,
  recvFrame: () => false,
};

describe('what amqplib does beyond its types', () => {
  test('is that of one version, which is pinned, and installed', () => {
    const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
    expect(read('package.json').dependencies.amqplib).toBe(knownVersion);
    expect(read('node_modules/amqplib/package.json').version).toBe(knownVersion);
  });

  test('is used where a connection has all parts of it', () => {
    expect(frameReaderOf(model(known))).toBe(known);
  });

  test.each(Object.keys(known))('is not used without a connection’s %s, and the error says what to do', (part) => {
    const refusal = new RegExp(`amqplib is another version than .*: its connection has no ${part} as .*npm ci`);
    for (const other of [undefined, null, 'something else', {}])
      expect(() => frameReaderOf(model({ ...known, [part]: other }))).toThrow(refusal);
  });

  test('is not used without a channel’s sendMessage', () => {
    expect(() => leaveOutHeaders({} as unknown as ConfirmChannel)).toThrow(/its channel has no sendMessage/);
  });
});

function model(connection: object): ChannelModel {
  return { connection } as unknown as ChannelModel;
}
