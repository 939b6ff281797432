import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config/load.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-mistakes-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What is wrong in a file with one route, each with its line and column. */
function mistakesIn(route: string): string[] {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, `brokers: [{ zone: a, url: 'amqp://x@y' }]\nroutes:\n  one:\n${route}`);
  try {
    loadConfig(file);
    return [];
  } catch (error) {
    return String(error).replace('ConfigError: ', '').replaceAll(`${file}:`, '').split('\n');
  }
}

const log = '    sink: { type: log }\n';

describe('a mistake in a route', () => {
  test('is told with the place in the file, and the place in the condition', () => {
    const where = '    where: >-\n      event == "missed_call" &&\n      evnt == "x"\n';
    expect(mistakesIn(`    events: []\n${where}${log}`)).toEqual([
      '5:5: routes.one.where can\'t be used: there is no variable evnt: did you mean event?, at character 27: "evnt == \\"x\\""',
      '  event == "missed_call" && evnt == "x"',
      `${' '.repeat(28)}^`,
      'write:',
      '  event == "missed_call" && event == "x"',
    ]);
  });

  test('of its shape is told at the path that is wrong', () => {
    const shape = `    shape:
      pick: [caller_id_number, data..x]
      omit: [id, zon]
      set: { zone: a, data: 1, a.*: 2, '1': b, tenant: acme, data.tenant: acme }
`;
    expect(mistakesIn(shape + log)).toEqual([
      '5:14: routes.one.shape.pick[0] must begin with a key of the envelope; did you mean data.caller_id_number?',
      '5:32: routes.one.shape.pick[1] must be a path such as data.caller_id_number',
      "6:14: routes.one.shape.omit[0] can't be left out: receivers tell by it what they have already",
      '6:18: routes.one.shape.omit[1] must begin with a key of the envelope; did you mean zone?',
      "7:14: routes.one.shape.set.zone is the envelope's own; set a key below data, or one with another name",
      "7:23: routes.one.shape.set.data is the envelope's own; set a key below data, or one with another name",
      '7:32: routes.one.shape.set.a.* must be a path such as data.tenant, without *',
      '7:40: routes.one.shape.set.1 must not begin with a number: such a key would come before the id',
    ]);
  });

  test.each([
    ['{ pick: [data] }', "{ type: database, url: 'sqlite:///x' }", 'zone, occurred_at, received_at, valid, problems'],
    ['{ omit: [zone, node] }', "{ type: database, url: 'sqlite:///x' }", 'zone'],
    ['{ omit: [account_id] }', "{ type: webhook, url: 'https://a/{account_id}' }", 'account_id'],
    ['{ pick: [data] }', "{ type: webhook, url: 'https://a', format: cloudevents }", 'event, zone, occurred_at'],
    ['{ pick: [data] }', "{ type: webhook, url: 'https://a', format: standard }", 'event, occurred_at'],
    ['{ omit: [data] }', "{ type: webhook, url: 'https://a', format: kazoo-form }", 'data'],
  ])('is %s for %s', (shape, sink, missing) => {
    expect(mistakesIn(`    shape: ${shape}\n    sink: ${sink}\n`)).toEqual([
      `4:5: routes.one.shape leaves out what this sink needs: ${missing}`,
    ]);
  });

  test.each([
    ['{ pick: [data.caller_id_number] }', '{ type: log }'],
    ['{ pick: [data.caller_id_number] }', "{ type: webhook, url: 'https://a/{id}' }"],
    ['{ omit: [data.to, node] }', "{ type: database, url: 'sqlite:///x' }"],
    ['{ pick: [data] }', "{ type: database, url: 'sqlite:///x', columnsOnly: true, columns: { id: id } }"],
  ])('is not %s for %s', (shape, sink) => {
    expect(mistakesIn(`    shape: ${shape}\n    sink: ${sink}\n`)).toEqual([]);
  });

  test('that makes a condition or a shape no such thing is told as that', () => {
    expect(mistakesIn(`    where: [a]\n    shape: { pick: a, omit: [1] }\n    sink: { type: log }\n`)).toEqual([
      '4:5: routes.one.where must be text: value was ["a"]',
      '5:30: routes.one.shape.omit[0] looks like a number to YAML: put it in quotes: value was 1',
    ]);
  });
});
