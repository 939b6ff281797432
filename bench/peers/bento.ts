import { join } from 'node:path';
import { queue } from '../queue.ts';
import { concurrency, type Program, prefetch, type Work, writeYaml } from './program.ts';

/** Bento (once Benthos): acknowledged once all outputs have it, or, with a buffer, once SQLite has it. */
export function bento(program: string, buffer: 'none' | 'sqlite'): Program {
  return {
    name: buffer === 'none' ? 'Bento, no buffer' : 'Bento, SQLite buffer',
    posts: true,
    prepare(work) {
      const file = join(work.folder, 'bento.yaml');
      const buffered = buffer === 'none' ? {} : { buffer: { sqlite: { path: join(work.folder, 'buffer.db') } } };
      writeYaml(file, { ...bentoConfig(work), ...buffered });
      return [program, '-c', file];
    },
  };
}

function bentoConfig({ folder, url, schemas, file, webhook }: Work): object {
  const outputs = [...(file === null ? [] : [linesIn(file)]), ...(webhook === null ? [] : [postsTo(webhook)])];
  const [only, ...others] = outputs;
  return {
    http: { enabled: false },
    logger: { level: 'ERROR' },
    input: { amqp_0_9: { urls: [`${url}/`], queue: queue.name, prefetch_count: prefetch } },
    pipeline: {
      threads: -1,
      processors: [
        {
          switch: [...schemas].map(([name, schema]) => ({
            check: `this."Event-Name" == "${name}"`,
            processors: [{ json_schema: { schema_path: `file://${schema}` } }],
          })),
        },
      ],
    },
    output: {
      switch: {
        cases: [
          { check: 'errored()', output: linesIn(join(folder, 'invalid.ndjson')) },
          { output: others.length === 0 ? only : { broker: { pattern: 'fan_out', outputs } } },
        ],
      },
    },
  };
}

function linesIn(path: string): object {
  return { file: { path, codec: 'lines' } };
}

/** It never gives up, as all others. */
function postsTo(url: string): object {
  return { http_client: { url, verb: 'POST', max_in_flight: concurrency, timeout: '2s', retries: 1_000_000 } };
}
