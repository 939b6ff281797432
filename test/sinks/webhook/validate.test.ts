import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { webhookOptions } from '../../support/webhook.ts';

const url = 'https://crm.example.com/hooks';
const secret = `whsec_${Buffer.from('x'.repeat(24)).toString('base64')}`;

describe('options that don’t go together are refused', () => {
  test.each<[object, string]>([
    [{ url: 'nonsense geheim' }, 'url must be a URL'],
    [{ url: 'ftp://host/geheim' }, 'url must begin with https:// or http://'],
    [{ url: 'https://{account_id}.example.com/' }, 'url must have its placeholders behind the host'],
    [{ url: 'https://host:{id}/' }, 'url must be a URL'],
    [{ url: 'https://me:geheim@host/' }, 'url must be without user and password'],
    [{ url: 'https://host/{acount_id}' }, 'url has a placeholder {acount_id}; there are {account_id}'],
    [{ url, method: 'GET' }, 'method GET sends no body'],
    [{ url, method: 'GET', format: 'kazoo-form', signature: { secrets: [secret] } }, 'signature.secrets sign the body'],
    [{ url, format: 'template' }, 'template is required'],
    [{ url, template: { body: 'x' } }, 'template is not used by the format envelope'],
    [{ url, format: 'template', template: { body: '{% if' } }, 'template.body '],
    [{ url, format: 'template', template: { body: '{% include "/etc/passwd" %}{{ x | nosuch }' } }, 'template.body '],
    [{ url, fields: { a: 'b' } }, 'fields are not used by the format envelope'],
    [{ url, format: 'standard', batch: { max: 2 } }, 'batch.max must be 1 with the format standard'],
    [{ url: `${url}/{id}`, batch: { max: 2 } }, 'batch.max must be 1 with placeholders'],
    [{ url, headers: { 'a b': 'x' } }, "headers.a b can't be the name of a header"],
    [{ url, headers: { Host: 'x' } }, "headers.Host can't be set"],
    [{ url, headers: { 'Webhook-Id': 'x' } }, "headers.Webhook-Id can't be set"],
    [{ url, headers: { a: 'geheim\r\nb: c' } }, 'headers.a must be printable ASCII on one line'],
    [{ url, headers: { a: 'x', A: 'y' } }, 'headers.a is there twice'],
    [
      { url, auth: { bearer: { token: 'a' }, basic: { user: 'u', password: 'geheim' } } },
      'auth must be one of them: basic, bearer',
    ],
    [
      { url, auth: { bearer: { token: 'a' } }, headers: { Authorization: 'geheim' } },
      'auth makes the header authorization',
    ],
    [{ url, auth: { basic: { user: 'a:b', password: 'geheim' } } }, "auth.basic.user can't have a colon"],
    [{ url, auth: { bearer: { token: 'geheim\n' } } }, 'auth.bearer.token must be printable ASCII'],
    [
      { url, auth: { oauth2: { tokenUrl: 'geheim', clientId: 'a', clientSecret: 'b' } } },
      'auth.oauth2.tokenUrl must be a URL',
    ],
    [{ url, signature: { secrets: ['geheim!'] } }, 'signature.secrets must be whsec_'],
    [{ url, signature: { secrets: ['whsec_c2hvcnQ='] } }, 'signature.secrets must be whsec_'],
    [{ url, tls: { cert: 'a.pem' } }, 'tls needs cert and key, or neither'],
    [{ url, proxy: 'geheim:3128' }, 'proxy must be environment, none, or a URL'],
    [{ url, proxy: 'http://geheim@proxy', allowPrivateNetworks: false }, 'proxy chooses the address by itself'],
    [{ url, timeout: { total: '2h' } }, 'timeout.total must be an hour at most'],
    [{ url, rateLimit: { requests: 1, per: '25h' } }, 'rateLimit.per must be a day at most'],
  ])('%j: %s', (options, message) => {
    expect(() => webhookOptions(options)).toThrow(message);
    expect(() => webhookOptions(options)).not.toThrow('geheim');
  });

  test('and those that do are not', () => {
    const options = {
      url: `${url}/{account_id}?event={event}`,
      method: 'PUT',
      format: 'template',
      template: { body: '{{ id }}', contentType: 'text/plain; charset=utf-8' },
      fields: { a: 'b' },
      headers: { 'X-Key': 'x', 'content-type': 'text/markdown' },
      auth: { oauth2: { tokenUrl: url, clientId: 'a', clientSecret: 'b', parameters: { scope: 's' } } },
      signature: { secrets: [secret, secret.slice(6)] },
      rateLimit: { requests: 10, per: '1m' },
      proxy: 'http://me:x@proxy:3128',
    };
    expect(webhookOptions(options)).toMatchObject({ method: 'PUT', redirects: 0 });
  });
});

describe('in a configuration file', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-webhook-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('such a mistake is told with its place', () => {
    const file = join(folder, 'config.yaml');
    const sink = { type: 'webhook', url, format: 'standard', batch: { max: 5 } };
    writeFileSync(file, stringify({ brokers: [{ zone: 'a', url: 'amqp://127.0.0.1' }], routes: { crm: { sink } } }));
    expect(() => loadConfig(file)).toThrow(
      `${file}:11:9: routes.crm.sink.batch.max must be 1 with the format standard`,
    );
  });
});
