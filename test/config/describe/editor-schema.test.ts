import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import {
  isOption,
  isOptionalSection,
  isOptionList,
  isOptionMap,
  type Option,
  type OptionNode,
  type OptionTree,
} from '../../../src/common/options/declare.ts';
import { editorSchema } from '../../../src/config/describe/editor-schema.ts';
import { formatOf } from '../../../src/config/formats.ts';
import { checkConfig } from '../../../src/config/load.ts';
import { brokerOptions, rootOptions, routeOptions } from '../../../src/config/options.ts';
import { sinkDeclarations } from '../../../src/sinks/declarations.ts';
import { configFolder, given } from '../../support/config-folder.ts';

const validate = new Ajv({ allErrors: true, allowUnionTypes: true, strictTypes: false }).compile(editorSchema());
const broker = 'brokers: [{ zone: west, url: amqp://127.0.0.1 }]\n';
const whole = `${broker}routes: { all: { sink: { type: log } } }\n`;

/** Where it finds what. */
function mistakesIn(text: string): string[] {
  validate(parse(text, { merge: true }));
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
    [...readFileSync(file, 'utf8').matchAll(/^( *)```yaml\n(.*?)^ *```/gms)]
      .map(([, indent, text = '']) => [file, text.replaceAll(new RegExp(`^${indent}`, 'gm'), '')] as const)
      .filter(([, text]) => /^(brokers|routes|expect|validation):/m.test(text)),
  );

  test.each(blocks)('what %s shows', (_file, text) => {
    const isPart = /^(expect|validation):/m.test(text);
    const rest = isPart ? whole : /^routes:/m.test(text) ? '' : 'routes: { all: { sink: { type: log } } }';
    expect(mistakesIn(`${text}${rest}`)).toEqual([]);
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
    ['a number for a list', `${broker}routes: { a: { events: 1, sink: { type: log } } }`, '/events must be array'],
  ])('%s', (_what, text, message) => {
    expect(mistakesIn(text).join('\n')).toContain(message);
  });
});

const folder = configFolder();

/** What the command `check` would say of it. */
function isTaken(config: unknown): boolean {
  return checkConfig(folder.write('relay.yaml', JSON.stringify(config)), given({})).config !== undefined;
}

describe('the schema for editors and check agree', () => {
  /** Values that only `check` refuses, because a schema can't say why, by the kind of value; where it is a pattern, it could at a price. */
  const unsaid: Readonly<Record<string, readonly unknown[]>> = {
    duration: ['90d'],
    'positive duration': ['90d'],
    period: ['90d', '1.5s'],
    heartbeat: ['90d', '5m', '5M', '5 m', '1.5s'],
    start: ['2026-13-01'],
    'http url': ['https://', 'http://h{id}', 'https://h/{x}', 'https://u@h'],
    proxy: ['https://', 'http://h{id}'],
    'amqp url': ['amqp://[', 'amqp://u@'],
    'database url': ['sqlite:', 'postgres:'],
  };

  /** What is written in place of a value of any kind; the first few of it also in place of a section or a choice. */
  const few = 7;
  const values: readonly unknown[] = [
    ...[null, false, 1, 'a', [], {}, { a: 1 }],
    ...[true, 0, -1, 1.5, 65_536, 1e16, [1], ['a'], [null], ['~'], [''], ['a.b']],
    ...['', ' ', '0', '3', '-1', '65536', '0000000065535', '1234567890123456', 'true', 'off', '~/a', '/a'],
    ...[
      '5M',
      '5 m',
      '0s',
      '0.0',
      '1.5s',
      '90d',
      '1 fortnight',
      '5 gib',
      '0B',
      '0640',
      '0999',
      'amq.a',
      '2026-11-24',
      '2026-13-01',
    ],
    ...['AMQPS://h', ' amqp://h', 'amqp://', 'amqp://u:p@s/w@h', 'amqp://u@', 'h:1', 'h:65536', 'environment'],
    ...[
      'HTTP://h',
      'https://',
      'http://h{id}',
      'https://u@h',
      'ftp://h',
      'SQLite:///a',
      'sqlite:',
      'sqlite://~/a',
      'mysql://u@p@h',
    ],
    ...['data.a text', 'data.a blob', 'x'.repeat(41), 'x'.repeat(256)],
  ];
  // Where the first such list is one of secrets.
  const isName = (value: unknown) => typeof value === 'string' && value.trim() !== '';
  const names = values.filter(
    (value) => isName(value) || (Array.isArray(value) && value.length > 0 && value.every(isName)),
  );

  const log = { sink: { type: 'log' } };
  const tlsBroker = { zone: 'west', url: 'amqps://h' };
  const base = { brokers: [tlsBroker], routes: { a: log as object } };
  const needed: Readonly<Record<string, object>> = {
    file: { path: '/a' },
    database: { url: 'postgres://h/d' },
    webhook: { url: 'https://h' },
  };

  /** Each kind of option once, with a configuration that has a value at its place. */
  type Put = (value: unknown) => typeof base;
  const kinds = new Map<string, Put>();
  const see = (node: OptionNode, put: Put) => {
    if (isOptionMap(node)) {
      add(`mapping of ${nameOf(node.each)}`, put);
      see(node.each as OptionNode, (value) => put({ a: value })); // an option or a tree
    } else if (isOptionList(node)) {
      add(`list of ${nameOf(node.items)}`, put);
      see(node.items, (value) => put([value]));
    } else if (isOption(node)) add(nameOf(node), put);
    else if (isOptionalSection(node)) {
      add(`optional section ${Object.keys(node.optional)}`, put);
      seeAll(node.optional, put);
    } else {
      add(`section ${Object.keys(node)}`, put);
      seeAll(node, put);
    }
  };
  const seeAll = (tree: OptionTree, put: Put) => {
    const required = Object.entries(tree).flatMap(([key, node]) =>
      isOption(node) && node.default === null ? [[key, sampleOf(node)]] : [],
    );
    for (const [key, node] of Object.entries(tree)) {
      see(node, (value) => put({ ...Object.fromEntries(required), [key]: value }));
    }
  };
  const add = (kind: string, put: Put) => void (kinds.has(kind) || kinds.set(kind, put));
  const withRoute = (a: object) => ({ ...base, routes: { a } });
  for (const { type, options } of sinkDeclarations)
    for (const [key, node] of Object.entries(options))
      see(node, (value) => withRoute({ sink: { type, ...needed[type], [key]: value } }));
  const chat = { sink: { type: 'webhook', ...needed.webhook, preset: 'slack' } };
  for (const [key, node] of Object.entries(routeOptions))
    see(node, (value) => withRoute({ [key]: value, ...(key === 'digest' ? chat : log) }));
  const ofRoutes = [...kinds.keys()];
  for (const [key, node] of Object.entries(rootOptions)) see(node, (value) => ({ ...base, [key]: value }));
  for (const [key, node] of Object.entries(brokerOptions))
    see(node, (value) => ({ ...base, brokers: [{ ...tlsBroker, [key]: value }] }));

  /** The kinds of which a value was taken, of those that a route has: each has one of its own, in one file. */
  const takenByRoutes = new Map<unknown, ReadonlySet<string>>();
  const lookAtRoutes = (value: unknown) => {
    const routes = ofRoutes.map((kind, index) => [`r${index}`, kinds.get(kind)?.(value).routes.a]);
    const config = JSON.stringify({ ...base, routes: Object.fromEntries(routes) });
    const { errors } = checkConfig(folder.write('relay.yaml', config), given({}));
    const wrong = new Set(errors.map(({ option }) => /^routes\.(r\d+)/.exec(option)?.[1]));
    expect(wrong).not.toContain(undefined);
    return new Set(ofRoutes.filter((_, index) => !wrong.has(`r${index}`)));
  };
  const isTakenAs = (kind: string, value: unknown, put: Put): boolean => {
    if (!ofRoutes.includes(kind)) return isTaken(put(value));
    const taken = takenByRoutes.get(value) ?? lookAtRoutes(value);
    takenByRoutes.set(value, taken);
    return taken.has(kind);
  };

  test.each([...kinds])('of each value, for a %s', (kind, put) => {
    const isPlain = /^(section|optional|choice|mapping|list)/.test(kind);
    const verdicts = values
      .slice(0, isPlain ? few : undefined)
      .map((value) => ({ value, schema: validate(put(value)), check: isTakenAs(kind, value, put) }));
    expect(verdicts.filter(({ schema, check }) => check && !schema)).toEqual([]);
    // Patterns of files can be right only where there are such files.
    const known = kind === 'patterns' ? values : kind === 'names' ? names : (unsaid[kind] ?? []);
    const more = verdicts.filter(({ schema, check }) => schema && !check).map(({ value }) => value);
    expect(more.filter((value) => !known.some((one) => JSON.stringify(one) === JSON.stringify(value)))).toEqual([]);
  });

  const webhook = (more: object) => ({
    ...base,
    routes: { a: { sink: { type: 'webhook', url: 'https://h', ...more } } },
  });
  const database = (more: object) => ({ ...base, routes: { a: { sink: { type: 'database', ...more } } } });
  const template = { body: 'a' };
  const [basic, bearer] = [{ user: 'a', password: 'b' }, { token: 'a' }];
  const pair = { cert: '/a', key: '/b' };

  test.each<[verdict: 'taken' | 'refused', config: object]>([
    ['refused', { brokers: base.brokers }],
    ['refused', { ...base, routes: {} }],
    ['refused', { ...base, routes: null }],
    ['refused', { ...base, include: [], routes: undefined }],
    ['refused', { routes: base.routes, log: {} }],
    ['refused', { ...base, brokers: [] }],
    ['refused', { ...base, brokers: null }],
    ['refused', { ...base, brokers: [null] }],
    ['refused', { ...base, routes: { a: null } }],
    ['refused', { ...base, brokers: [{ zone: 'a', url: 'amqp://h', tls: {} }] }],
    ['taken', { ...base, brokers: [{ zone: 'a', url: 'amqps://h', tls: pair }] }],
    ['refused', { ...base, brokers: [{ zone: 'a', url: 'amqps://h', tls: { cert: '/a' } }] }],
    ['taken', webhook({ tls: pair })],
    ['refused', webhook({ tls: { key: '/a' } })],
    ['refused', webhook({ url: 'ftp://h' })],
    ['refused', webhook({ format: 'template' })],
    ['taken', webhook({ format: 'template', template })],
    ['refused', webhook({ format: 'envelope', template })],
    ['refused', webhook({ template })],
    ['refused', webhook({ template: null })],
    ['refused', webhook({ fields: { a: 'b' } })],
    ['taken', webhook({ fields: {} })],
    ['taken', webhook({ format: 'kazoo-form', fields: { a: 'b' } })],
    ['taken', webhook({ auth: { basic } })],
    ['refused', webhook({ auth: { basic: { ...basic, user: 'a' }, bearer } })],
    ['refused', webhook({ auth: { bearer: null } })],
    ['refused', webhook({ auth: { bearer }, headers: { Authorization: 'a' } })],
    ['taken', webhook({ headers: { Authorization: 'a' } })],
    ['refused', webhook({ headers: { 'a b': 'c' } })],
    ['refused', webhook({ headers: { Host: 'a' } })],
    ['refused', webhook({ headers: { a: 'ä' } })],
    ['taken', webhook({ batch: { max: 10 } })],
    ['refused', webhook({ batch: { max: '10' }, format: 'standard' })],
    ['taken', webhook({ batch: { max: '1' }, format: 'standard' })],
    ['refused', webhook({ batch: { max: 2 }, url: 'https://h/{event}' })],
    ['refused', webhook({ method: 'GET' })],
    ['taken', webhook({ method: 'GET', format: 'kazoo-form' })],
    [
      'refused',
      webhook({ method: 'GET', format: 'kazoo-form', signature: { secrets: [`whsec_${btoa('a'.repeat(32))}`] } }),
    ],
    ['taken', webhook({ allowPrivateNetworks: false, proxy: 'none' })],
    ['refused', webhook({ allowPrivateNetworks: false, proxy: 'http://h' })],
    ['refused', webhook({ proxy: 'socks5://h' })],
    ['refused', webhook({ rateLimit: null })],
    ['taken', database({ url: 'postgres://h/d', schema: 'a', partition: 'month' })],
    ['refused', database({ url: 'mysql://h/d', partition: 'month' })],
    ['refused', database({ url: 'sqlite:///a', schema: 'a' })],
    ['refused', database({ url: 'postgres://h/d', columns: { 'a b': 'data.a' } })],
    ['refused', database({ url: 'postgres://h/d', columnsOnly: true })],
    ['taken', database({ url: 'postgres://h/d', columnsOnly: true, columns: { a: 'id' } })],
  ])('of options that go together: %s is %j', (verdict, config) => {
    const written = JSON.parse(JSON.stringify(config));
    const [schema, check] = [validate(written), isTaken(written)].map((isRight) => (isRight ? 'taken' : 'refused'));
    expect({ schema, check }).toEqual({ schema: verdict, check: verdict });
  });

  function nameOf(node: OptionNode | Option): string {
    if (!isOption(node)) return 'section';
    return Array.isArray(node.format) ? `choice of ${node.format}` : (formatOf(node) ?? String(node.format));
  }

  function sampleOf(option: Option): unknown {
    return { 'http url': 'https://h', 'positive number': 1 }[nameOf(option)] ?? '/a';
  }
});
