import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { configFolder } from '../support/config-folder.ts';
import { program } from '../support/daemon.ts';

const folder = configFolder();
const receiver = createServer((_, response) => void response.end());
let port = 0;
beforeAll(async () => {
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  ({ port } = receiver.address() as AddressInfo); // of a port that listens
});
afterAll(() => void receiver.close());

/** The parts of Node that the built program has loaded once it has tried to reach a broker and a receiver. */
function loadedFor(broker: string, url: string): Promise<string[]> {
  const config = folder.write(
    'relay.yaml',
    `brokers: [{ zone: west, url: "${broker}" }]
journal: { path: FOLDER/journal }
routes: { hook: { sink: { type: webhook, url: "${url}", allowPrivateNetworks: true } } }
`,
  );
  const tell = `data:text/javascript,process.on('exit', () => console.error('loaded: ' + process.moduleLoadList))`;
  const args = ['--import', tell, program, 'check', '--connect', '--config', config];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (_, _stdout, stderr) =>
      resolve(stderr.slice(stderr.lastIndexOf('loaded: ')).split(',')),
    );
  });
}

test('the built program loads TLS and HTTP/2 for connections that need them, and for no others', async () => {
  const secure = await loadedFor('amqps://127.0.0.1:1', `https://127.0.0.1:${port}`);
  expect(secure).toContain('NativeModule tls');
  const plain = await loadedFor('amqp://127.0.0.1:1', `http://127.0.0.1:${port}`);
  expect(plain).toContain('NativeModule net');
  expect(plain.filter((name) => /^NativeModule (tls|http2)$/.test(name))).toEqual([]);
});

test('the built program is Latin-1, of which V8 keeps a byte for each character', () => {
  const parts = globSync(`${dirname(program)}/**/*.js`);
  expect(parts.length).toBeGreaterThan(50);
  expect(parts.filter((part) => /[\u0100-\uffff]/.test(readFileSync(part, 'utf8')))).toEqual([]);
});
