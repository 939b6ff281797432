import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { editorSchema } from '../../src/config/editor-schema.ts';

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(editorSchema());
const broker = 'brokers: [{ zone: west, url: amqp://127.0.0.1 }]\n';
const whole = `${broker}routes: { all: { sink: { type: log } } }\n`;

/** Where it finds what. */
function mistakesIn(text: string): string[] {
  validate(parse(text));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

describe('the schema for editors accepts', () => {
  const files = globSync('config/*.yaml').filter((file) => !file.endsWith('.test.yaml'));

  test.each(files)('%s', (file) => {
    expect(mistakesIn(readFileSync(file, 'utf8'))).toEqual([]);
  });

  test('the example with its comments taken away', () => {
    const example = readFileSync('config/kazoo-relay.yaml', 'utf8');
    expect(mistakesIn(example.replaceAll(/^( *)# ( *(?:- )?[a-zA-Z]+:)/gm, '$1$2'))).toEqual([]);
  });

  const blocks = ['README.md', ...globSync('docs/**/*.md')].flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^```yaml\n(.*?)^```/gms)]
      .map(([, text = '']) => [file, text] as const)
      .filter(([, text]) => /^(brokers|routes):/m.test(text)),
  );

  test.each(blocks)('what %s shows', (_file, text) => {
    expect(mistakesIn(text)).toEqual([]);
  });

  test('a file that another one includes', () => {
    expect(mistakesIn('routes: { a: { sink: { type: file, path: a } } }')).toEqual([]);
  });

  test.each([
    'include: conf.d/*.yaml\nbrokers: { kazooConfig: /etc/kazoo/core/config.ini }',
    `${whole}intake: { prefetch: "\${env:N}", batch: }`,
    `${whole}journal: { retention: 12H, maxSize: 5 gib }`,
    `${broker}routes: { a: { retry: { schedule: [5s, 0, '0'] }, sink: { type: webhook, url: "\${credential:url}", http2: false } } }`,
  ])('%s', (text) => {
    expect(mistakesIn(text)).toEqual([]);
  });
});

describe('the schema for editors refuses', () => {
  test.each([
    ['no brokers', 'routes: {}\nlog: {}', "must have required property 'brokers'"],
    ['a misspelt section', `${whole}jurnal: {}`, 'must NOT have additional properties'],
    ['a misspelt option', `${whole}intake: { prefetsch: 1 }`, '/intake must NOT have additional properties'],
    ['a broker without its zone', 'brokers: [{ url: amqp://h }]', "/brokers/0 must have required property 'zone'"],
    ['a URL of another kind', 'brokers: [{ zone: a, url: http://h }]', '/brokers/0/url must match pattern'],
    [
      'a password that is not escaped',
      "brokers: [{ zone: a, url: 'amqp://u:p@s/w@h' }]",
      '/brokers/0/url must NOT be valid',
    ],
    ['a route without a sink', `${broker}routes: { a: {} }`, "/routes/a must have required property 'sink'"],
    [
      'a route with a bad name',
      `${broker}routes: { A: { sink: { type: log } } }`,
      '/routes property name must be valid',
    ],
    [
      'a sink of no type',
      `${broker}routes: { a: { sink: { type: lgo } } }`,
      '/routes/a/sink/type must be equal to one of',
    ],
    [
      'another sink’s option',
      `${broker}routes: { a: { sink: { type: log, path: b } } }`,
      '/routes/a/sink must NOT have',
    ],
    [
      'a sink without what it needs',
      `${broker}routes: { a: { sink: { type: file } } }`,
      "must have required property 'path'",
    ],
    ['a duration that is none', `${whole}queue: { expires: 1 fortnight }`, '/queue/expires must match pattern'],
    ['a size that is none', `${whole}journal: { maxSize: big }`, '/journal/maxSize must match pattern'],
    ['a share without its sign', `${whole}journal: { invalidShare: 25 }`, '/journal/invalidShare must be string'],
    ['a duration without a unit', `${whole}journal: { retention: 30 }`, '/journal/retention must be equal to constant'],
    ['a size without a unit', `${whole}journal: { maxSize: '10' }`, '/journal/maxSize must match pattern'],
    ['a number that is none', `${whole}intake: { prefetch: many }`, '/intake/prefetch must be integer'],
    ['another choice', `${whole}log: { level: loud }`, '/log/level must be equal to one of the allowed values'],
    [
      'a word for a truth',
      `${broker}routes: { a: { sink: { type: webhook, url: https://h, http2: 'no' } } }`,
      '/http2 must be boolean',
    ],
    ['one name for a list', `${broker}routes: { a: { events: b, sink: { type: log } } }`, '/events must be array'],
  ])('%s', (_what, text, message) => {
    expect(mistakesIn(text).join('\n')).toContain(message);
  });
});
