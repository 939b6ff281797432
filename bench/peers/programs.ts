import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ownBuild, writeConfig } from '../daemon.ts';
import { queue } from '../queue.ts';
import { bento } from './bento.ts';
import { concurrency, type Program, prefetch } from './program.ts';
import { vector } from './vector.ts';

export interface Choice {
  /** The first is kazoo-relay. */
  readonly programs: readonly Program[];
  /** What isn't measured, and why: for whoever starts it. */
  readonly leftOut: readonly string[];
}

/** Those that run everywhere, and those that the environment names the file of. @throws Error where there is no such file */
export function programsOf(environment: Readonly<Record<string, string | undefined>>): Choice {
  const named = peers.map(({ variable, name, contenders }) => {
    const program = environment[variable] ?? '';
    if (program === '')
      return { contenders: [], leftOut: [`${name} is left out: ${variable}=/path/to/it measures it too`] };
    if (!existsSync(program)) throw new Error(`${variable}: there is no file ${program}; name ${name}'s program`);
    return { contenders: contenders(program), leftOut: [] };
  });
  return {
    programs: [kazooRelay, script, ...named.flatMap(({ contenders }) => contenders)],
    leftOut: named.flatMap(({ leftOut }) => leftOut),
  };
}

const peers = [
  {
    variable: 'VECTOR',
    name: 'Vector',
    contenders: (program: string) => [vector(program, 'memory'), vector(program, 'disk')],
  },
  {
    variable: 'BENTO',
    name: 'Bento',
    contenders: (program: string) => [bento(program, 'none'), bento(program, 'sqlite')],
  },
];

const kazooRelay: Program = {
  name: 'kazoo-relay',
  posts: true,
  prepare({ folder, url, file, webhook }) {
    const timeout = { total: '2s' };
    const routes = {
      ...(file && { file: { start: 'earliest', sink: { type: 'file', path: file, maxSize: 0 } } }),
      ...(webhook && { webhook: { start: 'earliest', sink: { type: 'webhook', url: webhook, concurrency, timeout } } }),
    };
    const config = writeConfig({ folder, urls: [url], routes });
    return [process.execPath, ...process.execArgv, ownBuild, 'run', '--config', config];
  },
};

/** What a developer writes in an afternoon. */
const script: Program = {
  name: 'script',
  posts: false,
  prepare({ folder, url, schemas, file }) {
    const task = {
      url,
      queue: queue.name,
      prefetch,
      schemas: [...schemas],
      file,
      invalid: join(folder, 'invalid.ndjson'),
    };
    return [process.execPath, ...process.execArgv, join(import.meta.dirname, 'script.ts'), JSON.stringify(task)];
  },
};
