import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { queue } from '../queue.ts';
import { concurrency, type Program, prefetch, type Work, writeYaml } from './program.ts';

/** Vector: acknowledged once all sinks have it, or, with a buffer on disk, once that has it. */
export function vector(program: string, buffer: 'memory' | 'disk'): Program {
  return {
    name: `Vector, ${buffer} buffer`,
    posts: true,
    prepare(work) {
      const file = join(work.folder, 'vector.yaml');
      const data = join(work.folder, 'data');
      mkdirSync(data, { recursive: true });
      writeYaml(file, { data_dir: data, ...vectorConfig(work, buffer) });
      return [program, '--quiet', '--config', file];
    },
  };
}

function vectorConfig({ folder, url, schemas, file, webhook }: Work, buffer: 'memory' | 'disk'): object {
  const acknowledged = { acknowledgements: { enabled: true }, encoding: { codec: 'text' } };
  const buffered = buffer === 'disk' ? { buffer: { type: 'disk', max_size: 2 ** 30, when_full: 'block' } } : {};
  return {
    sources: {
      in: {
        type: 'amqp',
        // The vhost "/".
        connection_string: `${url}/%2f`,
        queue: queue.name,
        consumer: 'vector',
        prefetch_count: prefetch,
      },
    },
    transforms: {
      check: {
        type: 'remap',
        inputs: ['in'],
        drop_on_abort: true,
        reroute_dropped: true,
        source: checkOf(schemas),
      },
    },
    sinks: {
      ...(file && { file: { type: 'file', inputs: ['check'], path: file, ...acknowledged, ...buffered } }),
      ...(webhook && {
        webhook: {
          type: 'http',
          inputs: ['check'],
          uri: webhook,
          method: 'post',
          batch: { max_events: 1 },
          request: { concurrency, timeout_secs: 2 },
          ...acknowledged,
          ...buffered,
        },
      }),
      invalid: { type: 'file', inputs: ['check.dropped'], path: join(folder, 'invalid.ndjson'), ...acknowledged },
    },
  };
}

/** In Vector's own language: it reads a schema when it starts, so that each needs a call of its own. */
function checkOf(schemas: Work['schemas']): string {
  const calls = [...schemas].map(
    ([name, file]) =>
      `if name == "${name}" { ok, _ = validate_json_schema(text, schema_definition: "${file}", ignore_unknown_formats: true) }`,
  );
  return [
    'text = string!(.message)',
    'body, _ = parse_json(text)',
    'name = body."Event-Name"',
    'ok = false',
    calls.join(' else '),
    'if ok != true { abort }',
  ].join('\n');
}
