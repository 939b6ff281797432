import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config/load.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-config-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe("a broker's tls", () => {
  test('may be left out, or name files', () => {
    expect(load('url: amqps://rabbit.example').brokers[0]?.tls).toBeUndefined();
    expect(load('url: amqps://rabbit.example', 'tls: { ca: /ca.pem, serverName: rabbit }').brokers[0]?.tls).toEqual({
      ca: '/ca.pem',
      serverName: 'rabbit',
    });
  });

  test('is refused where the url speaks no TLS', () => {
    expect(() => load('url: amqp://rabbit.example', 'tls: { ca: /ca.pem }')).toThrow(
      /:4:5: brokers\[0\]\.tls is not used by a url that begins with amqp:\/\//,
    );
  });

  test('needs a key for a certificate', () => {
    expect(() => load('url: amqps://rabbit.example', 'tls: { cert: /cert.pem }')).toThrow(
      /brokers\[0\]\.tls needs cert and key, or neither/,
    );
  });
});

function load(...lines: readonly string[]) {
  const file = join(folder, 'relay.yaml');
  const broker = ['- zone: west', ...lines.map((line) => `  ${line}`)].map((line) => `  ${line}\n`).join('');
  writeFileSync(file, `brokers:\n${broker}routes: { all: { sink: { type: log } } }\n`);
  return loadConfig(file);
}
