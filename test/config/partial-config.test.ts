import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../src/config/diagnostics.ts';
import { loadConfig, loadOutlineConfig, loadPartialConfig, readOutlineConfig } from '../../src/config/load.ts';
import { configFolder } from '../support/config-folder.ts';

const folder = configFolder();

describe('what a command needs that opens no broker and no sink', () => {
  test('is there without the variables and secrets of brokers and sinks', () => {
    const main = `
include: conf.d/*.yaml
brokers:
  - { zone: west, url: 'amqp://relay:\${env:NOT_SET}@10.0.0.1', tls: { ca: '\${env:NOT_SET}' } }
  - { zone: east, url: '\${credential:east}' }
queue: { name: '\${env:NOT_SET}' }
journal: { path: FOLDER/journal, maxSize: 1GiB }
routes:
  crm:
    events: ['voicemail_*']
    sink:
      type: webhook
      url: 'https://crm.example.com/\${env:NOT_SET}'
      signature: { secrets: ['\${file:/nowhere/secret}'] }
      headers: { X-Key: '\${env:NOT_SET}' }
      proxy: '\${env:NOT_SET}'
`;
    folder.write('conf.d/a.yaml', `routes: { archive: { sink: { type: file, path: '\${env:NOT_SET}' } } }\n`);
    const file = folder.write('relay.yaml', main);
    expect(() => loadConfig(file)).toThrow('needs the environment variable NOT_SET');
    const { journal, routes } = loadPartialConfig(file);
    expect(journal).toMatchObject({ path: `${folder.path}/journal`, maxSize: 2 ** 30 });
    expect(routes).toMatchObject([
      { name: 'crm', events: ['voicemail_*'], sink: { type: 'webhook' } },
      { name: 'archive', sink: { type: 'file' } },
    ]);
  });

  test('is there without brokers that only the environment names, and without the file of KAZOO', () => {
    const routes = 'routes: { all: { sink: { type: log } } }\n';
    for (const brokers of ['[{ zone: west }]', '{ kazooConfig: /nowhere/config.ini }', `'\${env:NOT_SET}'`]) {
      const file = folder.write('relay.yaml', `brokers: ${brokers}\n${routes}`);
      expect(() => loadConfig(file)).toThrow(ConfigError);
      expect(loadPartialConfig(file).routes).toHaveLength(1);
    }
  });

  test.each([
    [`journal: { path: '\${env:NOT_SET}' }`, 'journal.path needs the environment variable NOT_SET'],
    ['jurnal: { path: /tmp }', 'jurnal is not an option; did you mean journal?'],
    [`include: '\${env:NOT_SET}'`, 'include needs the environment variable NOT_SET'],
    ['validation: { schemas: 1 }', 'validation.schemas looks like a number'],
    [
      `routes: { all: { events: ['\${env:NOT_SET}'], sink: {} } }`,
      'routes.all.events[0] needs the environment variable',
    ],
    ['routes: { all: { evnts: [], sink: {} } }', 'routes.all.evnts is not an option; did you mean events?'],
    ['routes: {', 'this { has no }'],
  ])('is refused where the mistake is in it: %s', (text, message) => {
    expect(() => loadPartialConfig(folder.write('relay.yaml', `${text}\n`))).toThrow(message);
  });

  test.each([
    `events: ['\${env:NOT_SET}'], sink: { type: log }`,
    'evnts: [], sink: { type: log }',
    "where: 'no condition', sink: { type: log }",
    'sink: { type: log, ptah: /tmp }',
  ])('is there for who only wants to know which routes there are, whatever is wrong in one: %s', (route) => {
    const file = folder.write('relay.yaml', `routes: { all: { ${route} } }\n`);
    expect(() => loadConfig(file)).toThrow(ConfigError);
    expect(loadOutlineConfig(file).routes).toMatchObject([{ name: 'all', sink: { type: 'log' } }]);
  });

  test.each([
    ['routes: { ALL: {} }', 'routes.ALL must have a name of lower case'],
    ['jurnal: { path: /tmp }', 'jurnal is not an option'],
  ])('is refused there too where the mistake is about that: %s', (text, message) => {
    expect(() => loadOutlineConfig(folder.write('relay.yaml', `${text}\n`))).toThrow(message);
  });

  test('says which files there are now to be read, without reading any a second time', () => {
    const file = folder.write('relay.yaml', 'include: conf.d/*.yaml\nroutes: { all: { sink: { type: log } } }\n');
    const { filesNow } = readOutlineConfig(file);
    // Of a pipe there is nothing left to be read.
    folder.write('relay.yaml', '');
    const included = folder.write('conf.d/a.yaml', '{');
    expect(filesNow()).toEqual([file, included]);
  });
});
