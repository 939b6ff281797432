import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readPems, readTls } from '../../../src/common/net/tls.ts';
import { type Certificates, makeCertificates } from '../../support/certificates.ts';

let certificates: Certificates;

beforeAll(async () => {
  certificates = await makeCertificates();
});

afterAll(() => certificates.remove());

describe('the files of TLS', () => {
  test('are taken with whatever stands around what is needed', () => {
    const { ca, server, files } = certificates;
    const both = write('both.pem', `The receiver:\n${server.key}${server.cert}\n${ca}`);
    const taken = readTls({ ca: both, cert: both, key: both, serverName: 'receiver.test' });
    expect(taken).toMatchObject({ ca: readFileSync(both, 'utf8'), servername: 'receiver.test' });
    expect(readTls({ ca: files.ca })).toEqual({ ca });
  });

  test('are refused where they hold nothing of the kind, with the option and the file', () => {
    const { ca, key } = certificates.files;
    const der = write('ca.der', new X509Certificate(certificates.ca).raw);
    expect(() => readTls({ ca: '/etc/passwd' })).toThrow(
      "the file of tls.ca, /etc/passwd, can't be used: it holds no certificate in PEM",
    );
    expect(() => readTls({ ca: der })).toThrow('it holds no certificate in PEM');
    expect(() => readTls({ cert: key, key })).toThrow(
      `the file of tls.cert, ${key}, can't be used: it holds no certificate in PEM`,
    );
    expect(() => readTls({ key: ca })).toThrow(
      `the file of tls.key, ${ca}, can't be used: it holds no private key in PEM`,
    );
    const ofDatabase = { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' };
    expect(() => readPems({ ca: '/etc/passwd' }, ofDatabase)).toThrow('the file of sslrootcert, /etc/passwd,');
  });

  test('are refused where they are damaged', () => {
    expect(() => readTls({ ca: write('ca.pem', damaged(certificates.ca)) })).toThrow('its certificate is damaged');
    expect(() => readTls({ key: write('a.key', damaged(certificates.server.key)) })).toThrow('its key is damaged');
  });

  test('are refused where the key has a passphrase', () => {
    const cipher = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'geheim' } as const;
    const key = write('locked.key', createPrivateKey(certificates.server.key).export(cipher));
    expect(() => readTls({ key })).toThrow('its key has a passphrase (openssl pkey writes it without)');
  });

  test('are refused where the key is that of another certificate', () => {
    const key = write('server.key', certificates.server.key);
    expect(() => readTls({ cert: certificates.files.cert, key })).toThrow(
      `the file of tls.key, ${key}, has the key of another certificate than that of tls.cert`,
    );
  });
});

function write(name: string, content: string | Buffer): string {
  const path = join(dirname(certificates.files.ca), `own-${name}`);
  writeFileSync(path, content);
  return path;
}

/** As after its file was cut, or written by hand. */
function damaged(pem: string): string {
  return pem.replace(/\n.{20}/, '\n');
}
