// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are what is tested

import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { configText } from '../../../src/config/describe/show.ts';
import { loadConfig, readConfig } from '../../../src/config/load.ts';
import { cli } from '../../support/cli.ts';
import { configFolder, given } from '../../support/config-folder.ts';

const folder = configFolder();
const broker = "brokers: [{ zone: west, url: 'amqp://relay:${env:PW}@10.0.0.1' }]\n";

describe('config show', () => {
  test('prints a configuration that means the same, where nothing in it is secret', () => {
    const file = folder.write(
      'relay.yaml',
      `brokers:
  - { zone: west, url: amqp://10.0.0.1 }
  - { zone: east, url: amqps://10.0.0.2, tls: { ca: /etc/ca.pem, serverName: east } }
routes:
  crm:
    events: ['voicemail_*', missed_call]
    start: 2026-11-24T12:00:00+02:00
    retry: { schedule: [1500ms, 90s] }
    sink:
      type: webhook
      url: https://crm.example.com/{account_id}
      format: template
      template: { body: "first: {{ id }}\\nsecond # no comment\\n" }
      rateLimit: { requests: 3 }
      auth: {}
  table: { sink: { type: database, url: 'sqlite:///tmp/a', columns: { one: data.a text, on: data.b } } }
journal: { maxSize: 1536KiB, path: '123' }
validation: { accept: { topup: [/amount, '/a/*'] } }
expect: [{ event: topup, within: 90m }, { event: 'port_*', within: 1d, zone: west, hours: Mon-Fri 08:00-18:00 }]
`,
    );
    const shown = folder.write('shown.yaml', configText(readConfig(file, given({})), true));
    expect(loadConfig(shown, given({}))).toEqual(loadConfig(file, given({})));
    expect(readFileSync(shown, 'utf8')).toContain('maxSize: 1536KiB # ');
  });

  test('shows no parameter of a token request, and no template that names a secret', () => {
    const file = folder.write(
      'relay.yaml',
      `${broker.replace('${env:PW}', 'geheim')}routes:
  crm:
    sink:
      type: webhook
      url: https://crm.example.com/
      format: template
      template: { body: '{"api_key":"geheim","id":"{{ id }}"}' }
      auth: { oauth2: { tokenUrl: 'https://h/', clientId: a, clientSecret: geheim, parameters: { assertion: geheim } } }
`,
    );
    const text = configText(readConfig(file, given({})), false);
    expect(text).toContain('assertion: "***"');
    expect(text).toContain('body: "***"');
    expect(text).not.toContain('geheim');
  });

  test('says where each value comes from', async () => {
    folder.write('conf.d/a.yaml', 'routes:\n  one:\n    timeout: 5s\n    sink: { type: file, path: a }\n');
    const file = folder.write('relay.yaml', `include: conf.d/*.yaml\n${broker}queue: { name: "\${env:NAME:-x}" }\n`);
    const env = { PW: 'geheim', KAZOO_RELAY_ROUTES_ONE_ORDER: 'account' };
    const set = ['--set', 'intake.prefetch=10', '--log-level', 'debug'];
    const { stdout, code } = await cli(['config', 'show', '--origin', '--config', file, ...set], '', env);
    const lines = folder
      .without(stdout)
      .split('\n')
      .map((line) => line.trim());
    expect(lines).toEqual(
      expect.arrayContaining([
        '- zone: west # relay.yaml:2:19',
        'url: amqp://relay:***@10.0.0.1 # relay.yaml:2:30 ${env:PW}',
        'name: x # relay.yaml:3:16 ${env:NAME:-…}',
        'timeout: 5s # conf.d/a.yaml:3:14',
        'type: file # conf.d/a.yaml:4:19',
        'order: account # KAZOO_RELAY_ROUTES_ONE_ORDER',
        'prefetch: 10 # --set intake.prefetch',
        'level: debug # --log-level',
        'format: auto # default',
      ]),
    );
    expect(stdout).not.toContain('geheim');
    expect(code).toBe(0);
  });

  test('masks every secret, and leaves to read what is none', () => {
    const secret = `whsec_${Buffer.from('geheim'.repeat(5)).toString('base64')}`;
    folder.write('key', 'geheim');
    const file = folder.write(
      'relay.yaml',
      `brokers: [{ zone: west, url: 'amqps://relay:geheim@10.0.0.1:5671/vhost' }]
routes:
  crm:
    sink:
      type: webhook
      url: https://crm.example.com/hooks/geheim-geheim-geheim/{account_id}?key=geheim
      headers: { X-Key: geheim, X-Other: 'a \${file:FOLDER/key} b' }
      signature: { secrets: ['${secret}'] }
      auth: { oauth2: { tokenUrl: 'https://login.example.com/token?geheim=geheim', clientId: me, clientSecret: geheim } }
      proxy: http://geheim@proxy:3128
  table: { sink: { type: database, url: 'postgres://u:geheim@h:5433/d?sslmode=require' } }
`,
    );
    const text = configText(readConfig(file, given({})), true).replaceAll('geheim=***', 'name=***');
    expect(text).not.toContain('geheim');
    expect(text).not.toContain(secret);
    for (const shown of [
      'url: amqps://relay:***@10.0.0.1:5671/vhost #',
      'url: "https://crm.example.com/hooks/***/{account_id}?key=***" #',
      'X-Key: "***" #',
      'X-Other: "***" #',
      'secrets: ["***"] #',
      'tokenUrl: https://login.example.com/token?name=*** #',
      'clientId: me #',
      'clientSecret: "***" #',
      'proxy: http://***@proxy:3128/ #',
      'url: postgres://u:***@h:5433/d?sslmode=require #',
    ]) {
      expect(text).toContain(shown);
    }
  });

  test('ends with 2 and the mistakes where there are some', async () => {
    const { stdout, stderr, code } = await cli(['config', 'show', '--config', folder.write('relay.yaml', broker)]);
    expect(stdout).toBe('');
    expect(stderr).toContain('brokers[0].url needs the environment variable PW');
    expect(code).toBe(2);
  });
});

describe('config schema', () => {
  test('prints what editors get', async () => {
    const { stdout, code } = await cli(['config', 'schema']);
    expect(stdout).toBe(readFileSync('config/kazoo-relay.schema.json', 'utf8'));
    expect(code).toBe(0);
  });
});
