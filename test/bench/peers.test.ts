import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { comparison } from '../../bench/peers/comparison.ts';
import { openLines, openTally } from '../../bench/peers/lines.ts';
import { type Program, startProgram, type Work } from '../../bench/peers/program.ts';
import { programsOf } from '../../bench/peers/programs.ts';
import { writeWireSchemas } from '../../bench/peers/schemas.ts';
import type { Result } from '../../bench/rounds.ts';
import { loadConfig } from '../../src/config/load.ts';
import { commonFields, events } from '../../src/kazoo/catalogue.ts';
import { until } from '../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-peers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const schemas = writeWireSchemas(join(folder, 'schemas'));
// Any file that is there: it isn't started.
const all = programsOf({ VECTOR: import.meta.filename, BENTO: import.meta.filename });
const [file, webhook] = [join(folder, 'out.ndjson'), 'http://127.0.0.1:9480/'];
const works = {
  'to a file': { file, webhook: null },
  'to a webhook': { file: null, webhook },
  'to both': { file, webhook },
};
const cases = all.programs.flatMap((program) =>
  Object.entries(works)
    .filter(([, work]) => program.posts || work.webhook === null)
    .map(([name, work]) => ({ name: `${program.name} ${name}`, program, work })),
);

describe('the schemas for other programs', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  const validators = events.map((event) => {
    const schema = schemas.get(event.name) ?? '';
    return { event, validate: ajv.compile(JSON.parse(readFileSync(schema, 'utf8'))) };
  });

  test.each(validators)(
    'take $event.name as it is on the wire, and refuse it without a field that it must have',
    (one) => {
      const { event, validate } = one;
      expect(validate(event.example)).toBe(true);
      const own = new Set(event.fields.map(({ name }) => name));
      const fields = [...event.fields, ...commonFields.filter(({ name }) => !own.has(name))];
      for (const { wire } of fields.filter(({ required }) => required)) {
        const { [wire]: _, ...rest } = event.example;
        expect([wire, validate(rest)]).toEqual([wire, false]);
      }
    },
  );
});

describe('the configuration of each program', () => {
  test.each(cases)(
    '$name leads from the queue to what is asked for, by the schema of every event',
    ({ program, work }) => {
      const routes = routesOf(program, work);
      const wanted = [
        ...(work.file === null ? [] : [`file ${file}`]),
        ...(work.webhook === null ? [] : [`webhook ${webhook}`]),
      ];
      expect(routes).toEqual(wanted);
    },
  );
});

describe('the programs', () => {
  test('are those that run everywhere, and those that are named; what is left out is said', () => {
    const names = all.programs.map(({ name }) => name);
    expect(names).toEqual([
      ...['kazoo-relay', 'script', 'Vector, memory buffer', 'Vector, disk buffer'],
      ...['Bento, no buffer', 'Bento, SQLite buffer'],
    ]);
    expect(all.leftOut).toEqual([]);
    const { programs, leftOut } = programsOf({ BENTO: import.meta.filename, VECTOR: '' });
    expect(programs.map(({ name }) => name)).toEqual(names.filter((name) => !name.startsWith('Vector')));
    expect(leftOut).toEqual(['Vector is left out: VECTOR=/path/to/it measures it too']);
    expect(() => programsOf({ VECTOR: '/no/such/vector' })).toThrow('VECTOR: there is no file /no/such/vector');
  });

  test('that end by themselves are told with their last words', async () => {
    const program: Program = {
      name: 'a peer',
      posts: false,
      prepare: () => ['/bin/sh', '-c', 'echo no such option >&2; exit 78'],
    };
    const running = startProgram(program, workIn('ended', works['to a file']));
    await until(() => running.process.exitCode !== null, { what: 'its end', interval: 5 });
    expect(() => running.mustRun()).toThrow(/^a peer ended with 78: .*\nno such option\n$/s);
    await running.end('SIGKILL');
  });

  test('that cannot be started are told with the file', () => {
    const program: Program = { name: 'a peer', posts: false, prepare: () => ['/no/such/program'] };
    const running = startProgram(program, workIn('not started', works['to a file']));
    expect(() => running.mustRun()).toThrow("a peer can't be started: /no/such/program is no program that runs here");
  });
});

describe('what is counted in a file that grows', () => {
  test('are its whole lines, once each, in whatever pieces they are written', () => {
    const path = join(folder, 'growing.ndjson');
    const read: string[] = [];
    const lines = openLines(path, (line) => read.push(line));
    lines.read();
    expect(read).toEqual([]);
    const text = Buffer.from('{"a":"ä€"}\n\n{"b":2}\nrest');
    for (const byte of text) {
      appendFileSync(path, Buffer.of(byte));
      lines.read();
    }
    expect(read).toEqual(['{"a":"ä€"}', '', '{"b":2}']);
    // More than is read at a time.
    appendFileSync(path, `${'x'.repeat(3 * 2 ** 20)}\n${'y\n'.repeat(3)}`);
    lines.read();
    lines.close();
    expect(read.slice(3)).toEqual([`rest${'x'.repeat(3 * 2 ** 20)}`, 'y', 'y', 'y']);
  });

  test('are notifications by their own id, as each program writes them, those again, and lines that are broken', () => {
    const tally = openTally();
    const path = join(folder, 'killed.ndjson');
    const written = [
      '{"Event-Name":"register","Msg-ID":"one"}',
      '{"routingKey":"notifications.x.y","body":{"Msg-ID":"two"}}',
      '{"id":"0199","event":"register","data":{"msg_id":"three"}}',
      // Killed while it wrote: what it writes next follows on the same line.
      '{"Event-Name":"register","Msg-ID":"fo{"Event-Name":"register","Msg-ID":"one"}',
      '{"Msg-ID":"two"}',
      '{"Msg-ID":"four"}',
      '{"Msg-ID":"two"}',
    ];
    writeFileSync(path, `${written.join('\n')}\n{"Msg-ID":"five"}`);
    const lines = openLines(path, tally.add);
    lines.read();
    lines.close();
    expect({ ...tally }).toMatchObject({ distinct: 4, again: 2, broken: 1 });
  });
});

test('the results of the peers stand side by side, with a dash for what was not measured', () => {
  const contender = (name: string, figures: Record<string, number>) => ({
    name,
    rounds: [],
    metrics: Object.entries(figures).map(([metric, median]) => ({
      ...{ name: metric, unit: '', digits: 0, against: 'nothing' as const, compared: null, target: null },
      figure: { median, min: median, max: median },
    })),
  });
  const results: Result[] = [
    {
      ...{ part: 'peers-file', scale: 1 },
      contenders: [
        contender('kazoo-relay', { rate: 24_500.4, cpu: 35.2, memory: 245 }),
        contender('script', { rate: 40_000, cpu: 13, memory: 120 }),
      ],
    },
    { ...{ part: 'peers-webhook', scale: 1 }, contenders: [contender('kazoo-relay', { rate: 7_700, cpu: 137 })] },
    { ...{ part: 'peers-kills', scale: 1 }, contenders: [contender('script', { again: 900, missing: 0, broken: 1 })] },
  ];
  expect(comparison(results).split('\n').slice(2)).toEqual([
    '| kazoo-relay | 35 (–) | 24500 | 245 | – | – | – | 7700 | 137 |',
    '| script | 13 (–) | 40000 | 120 | 900 | 0 | – | – | – |',
  ]);
});

/** What a program's configuration leads to: `file PATH` and `webhook URL`. Fails where something isn't well-formed. */
function routesOf(program: Program, targets: Pick<Work, 'file' | 'webhook'>): string[] {
  const work = workIn(program.name, targets);
  const command = program.prepare(work);
  const last = command.at(-1) ?? '';
  if (program.name === 'kazoo-relay') return routesOfOurs(last);
  if (program.name === 'script') return routesOfScript(JSON.parse(last));
  // What not every reader of YAML takes.
  const text = readFileSync(last, 'utf8');
  expect(text).not.toMatch(/[&*]a\d/);
  return program.name.startsWith('Vector')
    ? routesOfVector(parse(text), program.name)
    : routesOfBento(parse(text), program.name);
}

function workIn(name: string, targets: Pick<Work, 'file' | 'webhook'>): Work {
  const home = join(folder, name);
  mkdirSync(home, { recursive: true });
  return { folder: home, url: 'amqp://guest:guest@127.0.0.1:5799', schemas, ...targets };
}

function routesOfOurs(config: string): string[] {
  return loadConfig(config).routes.map(({ sink: { type, options } }) => {
    const { path, url } = options as { path?: string; url?: string }; // of a file, or of a webhook
    return `${type} ${path ?? url}`;
  });
}

function routesOfScript(task: { queue: string; file: string; schemas: [string, string][] }): string[] {
  expect(task.queue).toBe('kazoo-relay');
  expect(new Map(task.schemas)).toEqual(schemas);
  return [`file ${task.file}`];
}

interface VectorConfig {
  readonly sources: Record<string, Record<string, unknown>>;
  readonly transforms: Record<string, { inputs: string[]; source: string }>;
  readonly sinks: Record<string, VectorSink>;
}

interface VectorSink {
  readonly type: string;
  readonly inputs: string[];
  readonly path?: string;
  readonly uri?: string;
  readonly acknowledgements: object;
  readonly buffer?: { readonly type: string };
}

function routesOfVector({ sources, transforms, sinks }: VectorConfig, name: string): string[] {
  const transform = Object.keys(transforms);
  const outputs = [...Object.keys(sources), ...transform, ...transform.map((name) => `${name}.dropped`)];
  const inputs = [...Object.values(transforms), ...Object.values(sinks)].flatMap(({ inputs }) => inputs);
  expect(outputs).toEqual(expect.arrayContaining(inputs));
  expect(sources.in).toMatchObject({
    connection_string: 'amqp://guest:guest@127.0.0.1:5799/%2f',
    queue: 'kazoo-relay',
  });
  const calls = transforms.check?.source.matchAll(
    /if name == "(\w+)" \{ ok, _ = validate_json_schema\(text, schema_definition: "([^"]+)"/g,
  );
  expect(new Map([...(calls ?? [])].map(([, event = '', schema = '']) => [event, schema]))).toEqual(schemas);
  const delivering = Object.values(sinks).filter((sink) => sink.inputs.includes('check'));
  for (const { buffer } of delivering) expect(buffer?.type).toBe(name.includes('disk') ? 'disk' : undefined);
  for (const sink of Object.values(sinks)) expect(sink.acknowledgements).toEqual({ enabled: true });
  return delivering.map(({ type, path, uri }) => (type === 'file' ? `file ${path}` : `webhook ${uri}`));
}

interface BentoConfig {
  readonly input: object;
  readonly buffer?: object;
  readonly pipeline: {
    processors: [{ switch: { check: string; processors: [{ json_schema: { schema_path: string } }] }[] }];
  };
  readonly output: { switch: { cases: { check?: string; output: BentoOutput }[] } };
}

interface BentoOutput {
  readonly file?: { readonly path: string };
  readonly http_client?: { readonly url: string };
  readonly broker?: { readonly outputs: BentoOutput[] };
}

function routesOfBento({ input, buffer, pipeline, output }: BentoConfig, name: string): string[] {
  expect(input).toMatchObject({ amqp_0_9: { urls: ['amqp://guest:guest@127.0.0.1:5799/'], queue: 'kazoo-relay' } });
  expect(buffer !== undefined).toBe(name.includes('SQLite'));
  const checks = pipeline.processors[0].switch.map(({ check, processors }) => {
    const event = /^this\."Event-Name" == "(\w+)"$/.exec(check)?.[1] ?? '';
    return [event, processors[0].json_schema.schema_path.replace('file://', '')] as const;
  });
  expect(new Map(checks)).toEqual(schemas);
  // The first that fits gets it.
  expect(output.switch.cases.map(({ check }) => check)).toEqual(['errored()', undefined]);
  const delivering = output.switch.cases.at(-1)?.output;
  return (delivering?.broker?.outputs ?? [delivering]).map((one) =>
    one?.file ? `file ${one.file.path}` : `webhook ${one?.http_client?.url}`,
  );
}
