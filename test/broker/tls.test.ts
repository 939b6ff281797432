import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { freePort } from '../../scripts/quickstart/free-port.ts';
import type { TlsFiles } from '../../src/common/net/tls.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { cli } from '../support/cli.ts';
import { startLink, type TestLink } from '../support/link.ts';
import { startBroker, type TestBroker } from '../support/rabbitmq.ts';
import { realEnvironment } from '../support/real-environment.ts';
import { until } from '../support/until.ts';

let certificates: Certificates;
let broker: TestBroker;
let port: number;
let link: TestLink | undefined;

/** A RabbitMQ that lets nobody in whose certificate its CA hasn't signed. */
beforeAll(async () => {
  certificates = await makeCertificates();
  port = await freePort();
  const folder = dirname(certificates.files.ca);
  writeFileSync(join(folder, 'server.pem'), certificates.server.cert);
  writeFileSync(join(folder, 'server.key'), certificates.server.key);
  broker = await startBroker({
    config: `
      listeners.ssl.1 = 127.0.0.1:${port}
      ssl_options.cacertfile = ${certificates.files.ca}
      ssl_options.certfile = ${join(folder, 'server.pem')}
      ssl_options.keyfile = ${join(folder, 'server.key')}
      ssl_options.verify = verify_peer
      ssl_options.fail_if_no_peer_cert = true`.replaceAll(/^ +/gm, ''),
  });
});

afterEach(async () => {
  await link?.close();
  link = undefined;
  delete realEnvironment.NODE_TLS_REJECT_UNAUTHORIZED;
});

afterAll(async () => {
  await broker.close();
  certificates.remove();
});

describe('a link over TLS', () => {
  test('consumes from a broker with a CA of its own that asks for our certificate', async () => {
    const { ca, cert, key } = certificates.files;
    link = await startLink(url('localhost'), { tls: { ca, cert, key } });
    await until(() => link?.sessions === 1, { what: 'the link to consume' });
    expect(await broker.ctl('list_connections', 'port', 'ssl', 'peer_cert_subject')).toContain(
      `${port}\ttrue\tCN=kazoo-relay`,
    );
  });

  test('is made as the parameters of the url say', async () => {
    const { ca, cert, key } = certificates.files;
    const files = new URLSearchParams({ cacertfile: ca, certfile: cert, keyfile: key });
    const others = 'heartbeat=7&frame_max=8192&channel_max=33&server_name_indication=receiver.test&verify=verify_peer';
    link = await startLink(`${url('127.0.0.1')}?${files}&${others}`);
    await until(() => link?.sessions === 1, { what: 'the link to consume' });
    const found = await broker.ctl(
      'list_connections',
      'port',
      'peer_cert_subject',
      'timeout',
      'frame_max',
      'channel_max',
    );
    expect(found).toContain(`${port}\tCN=kazoo-relay\t7\t8192\t33`);
  });

  test('checks nothing where the url says so', async () => {
    const { other, cert, key } = certificates.files;
    const files = new URLSearchParams({ cacertfile: other, certfile: cert, keyfile: key });
    link = await startLink(`${url('127.0.0.1')}?${files}&verify=verify_none`);
    await until(() => link?.sessions === 1, { what: 'the link to consume' });
  });

  test('checks the certificate also where the environment tells Node to check none', async () => {
    realEnvironment.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    const { other, cert, key } = certificates.files;
    link = await startLink(url('localhost'), { tls: { ca: other, cert, key } });
    await until(() => said('tls.ca names the file of a CA of your own') || link?.sessions === 1, { what: 'an answer' });
    expect(link.sessions).toBe(0);
  });

  test('checks for the name of tls.serverName where the host of the url is another', async () => {
    const { ca, cert, key } = certificates.files;
    link = await startLink(url('127.0.0.1'), { tls: { ca, cert, key, serverName: 'receiver.test' } });
    await until(() => link?.sessions === 1, { what: 'the link to consume' });
  });

  test('uses a certificate that was renewed from its next connection on', async () => {
    const { ca, cert, key, other } = certificates.files;
    const renewed = join(dirname(ca), 'renewed.pem');
    copyFileSync(other, renewed);
    link = await startLink(url('localhost'), { tls: { ca: renewed, cert, key } });
    await until(() => said('self-signed certificate'), { what: 'the refusal' });
    copyFileSync(ca, renewed);
    await until(() => link?.sessions === 1, { what: 'the link to consume' });
  });

  test.each<[string, (files: Certificates['files']) => TlsFiles | undefined, string, string]>([
    ['a broker whose CA it does not know', () => undefined, 'localhost', 'tls.ca names the file of a CA of your own'],
    [
      'a broker of another name',
      (files) => ({ ca: files.ca, cert: files.cert, key: files.key }),
      '127.0.0.1',
      'tls.serverName is the name that it has',
    ],
    ['a broker that asks for a certificate', ({ ca }) => ({ ca }), 'localhost', 'tls.cert and tls.key'],
    [
      'a missing file',
      ({ ca, cert }) => ({ ca, cert, key: '/none.key' }),
      'localhost',
      "the file of tls.key, /none.key, can't be read: there is no such file",
    ],
    [
      'a file that holds no key',
      ({ ca, cert, other }) => ({ ca, cert, key: other }),
      'localhost',
      'it holds no private key in PEM',
    ],
  ])('says what to do about %s', async (_, tlsOf, host, reason) => {
    link = await startLink(url(host), { tls: tlsOf(certificates.files) });
    await until(() => said(reason), { what: `${reason} in ${link?.logged}`, timeout: 20_000 });
    expect(link.logged.join()).not.toContain('guest');
  });

  test('says so where the port speaks no TLS', async () => {
    link = await startLink(`amqps://guest:guest@localhost:${broker.port}`, { tls: { ca: certificates.files.ca } });
    await until(() => said('no TLS is spoken on this port'), { what: 'the reason', timeout: 20_000 });
    expect(link.logged.join()).toMatch(/"TLS: [a-z ]+ \(no TLS is spoken on this port\)"/);
  });
});

describe('publish over TLS', () => {
  test.each<[string, (uri: string, tls: TlsFiles) => unknown]>([
    ['the configuration', (uri, tls) => [{ zone: 'west', url: uri, tls }]],
    [
      'the configuration, and the URI of KAZOO’s own',
      (uri, tls) => {
        const kazooConfig = join(dirname(certificates.files.ca), 'config.ini');
        writeFileSync(kazooConfig, `[amqp]\nuri = "${uri}"\n`, { mode: 0o600 });
        return { kazooConfig, tls };
      },
    ],
  ])('takes the files of %s', async (_, brokersOf) => {
    const { ca, cert, key } = certificates.files;
    const config = join(dirname(ca), 'relay.yaml');
    const brokers = brokersOf(url('localhost'), { ca, cert, key });
    writeFileSync(config, stringify({ brokers, routes: { all: { sink: { type: 'log' } } } }));
    chmodSync(config, 0o600);
    expect(await cli(['publish', 'missed_call', '--config', config])).toEqual({
      stdout: `published 1 notification to localhost:${port}\n`,
      stderr: '',
      code: 0,
    });
  });
});

function url(host: string): string {
  return `amqps://guest:guest@${host}:${port}`;
}

function said(text: string): boolean {
  return link?.logged.some((line) => line.includes(text)) ?? false;
}
