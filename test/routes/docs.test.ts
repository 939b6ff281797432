import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createConfigTestRunner } from '../../src/cli/commands/test-config.ts';
import { readConfigTests } from '../../src/cli/support/config-tests.ts';
import type { Json } from '../../src/common/json.ts';
import { loadConfig } from '../../src/config/load.ts';
import { envelopeKeys } from '../../src/notification/envelope.ts';
import { createCondition } from '../../src/routes/condition.ts';
import { entry } from '../support/notification.ts';

const page = readFileSync('docs/reference/routes.md', 'utf8');
const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, block = '']) => block);
const [config = ''] = blocks;
const cases = blocks.at(-1) ?? '';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-routes-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

test('the page of the envelope says of each key what it is, in their order', () => {
  const envelope = readFileSync('docs/reference/envelope.md', 'utf8');
  expect([...envelope.matchAll(/^\| `(\w+)` \| \S/gm)].map(([, key]) => key)).toEqual(envelopeKeys);
});

describe('the page about routes', () => {
  test('has a configuration that does what its cases say', () => {
    const [configFile, casesFile] = [join(folder, 'relay.yaml'), join(folder, 'relay.test.yaml')];
    writeFileSync(configFile, config);
    writeFileSync(casesFile, cases);
    const loaded = loadConfig(configFile);
    const read = readConfigTests(casesFile, ['crm', 'alerts']);
    expect(read.length).toBeGreaterThan(2);
    expect(read.map(createConfigTestRunner(loaded))).toEqual(read.map(() => []));
  });

  const conditions = [...page.matchAll(/^\| [a-z].* \| `(.*)` \|$/gm)].map(([, condition = '']) => condition);

  test.each(conditions)('has the condition %s, which works', (condition) => {
    expect(() => createCondition(condition)).not.toThrow();
  });

  test.each([
    ['success', [false, 'false'], [true, 'true']],
    ['amount', [25, '25.00'], [24.5, '24.50']],
    ['voicemail_transcription', [{ result: 'success', text: 'Hi Ann' }, 'Hi Ann'], [{ text: 'no' }, 'no', [], {}]],
  ])('has a condition on %s that takes each form in which KAZOO sends it', (name, fulfilling, others) => {
    const [condition = ''] = conditions.filter((candidate) => candidate.includes(`data.${name}`));
    const holds = (value: Json) => {
      const data = { [name]: value };
      return createCondition(condition)(entry({ data, json: JSON.stringify(data) })) === true;
    };
    expect(fulfilling.map(holds)).toEqual(fulfilling.map(() => true));
    expect(others.map(holds)).toEqual(others.map(() => false));
  });

  test('has some conditions', () => {
    expect(conditions.length).toBeGreaterThan(5);
  });
});
