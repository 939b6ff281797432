import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readCases } from '../../src/cli/cases/read.ts';
import { createTrial } from '../../src/cli/cases/trial.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createCondition } from '../../src/routes/condition.ts';

const page = readFileSync('docs/routes.md', 'utf8');
const [config = '', cases = ''] = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, block]) => block);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-routes-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('the page about routes', () => {
  test('has a configuration that does what its cases say', () => {
    const [configFile, casesFile] = [join(folder, 'relay.yaml'), join(folder, 'relay.test.yaml')];
    writeFileSync(configFile, config);
    writeFileSync(casesFile, cases);
    const loaded = loadConfig(configFile);
    const read = readCases(casesFile, ['crm', 'alerts']);
    expect(read.length).toBeGreaterThan(2);
    expect(read.map(createTrial(loaded))).toEqual(read.map(() => []));
  });

  const conditions = [...page.matchAll(/^\| [a-z].* \| `(.*)` \|$/gm)].map(([, condition = '']) => condition);

  test.each(conditions)('has the condition %s, which works', (condition) => {
    expect(() => createCondition(condition)).not.toThrow();
  });

  test('has some conditions', () => {
    expect(conditions.length).toBeGreaterThan(5);
  });
});
