import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate, type SelfsignedOptions } from 'selfsigned';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A CA of the test's own, and what it has signed: as texts, and as files in a folder. */
export interface Certificates {
  readonly ca: string;
  readonly server: Pair;
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string; readonly other: string };
  remove(): void;
}

export async function makeCertificates(): Promise<Certificates> {
  const ca = await pair('CA', { extensions: [{ name: 'basicConstraints', cA: true, critical: true }] });
  const server = await pair('receiver.test', {
    ca,
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'receiver.test' },
          { type: 2, value: 'localhost' },
        ],
      },
    ],
  });
  const client = await pair('kazoo-relay', { ca, extensions: [{ name: 'extKeyUsage', clientAuth: true }] });
  const other = await pair('Other CA', { extensions: [{ name: 'basicConstraints', cA: true, critical: true }] });
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-tls-'));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    ca: ca.cert,
    server,
    files: {
      ca: write('ca.pem', ca.cert),
      cert: write('client.pem', client.cert),
      key: write('client.key', client.key),
      other: write('other.pem', other.cert),
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

async function pair(name: string, options: SelfsignedOptions): Promise<Pair> {
  const attributes = [{ name: 'commonName', value: name }];
  const { cert, private: key } = await generate(attributes, { algorithm: 'sha256', keyType: 'ec', ...options });
  return { cert, key };
}
