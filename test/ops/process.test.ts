import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { messages } from '../../src/common/messages.ts';
import { readConfig } from '../../src/config/load.ts';
import type { Log } from '../../src/ops/log.ts';
import { openFileShortage } from '../../src/ops/process.ts';
import { startRelay } from '../../src/relay/relay.ts';
import { configFolder, given } from '../support/config-folder.ts';

const limits = (soft: number | string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft}                524288               files\n`;

describe('the files and connections that may be open', () => {
  const folder = configFolder();

  test('are too few where links, routes and the daemon itself may have more', () => {
    expect(openFileShortage([1, 50, 4], limits(200))).toEqual({ limit: 200, needed: 217 });
    expect(openFileShortage([1, 50, 4], limits(217))).toBeNull();
  });

  test('are enough where there is no limit, or none that is known', () => {
    expect(openFileShortage([1], limits('unlimited'))).toBeNull();
    expect(openFileShortage([1], '')).toBeNull();
  });

  test('are told of at the start where they are too few for the configuration', async () => {
    const config = folder.write(
      'relay.yaml',
      `brokers: [{ zone: west, url: amqp://127.0.0.1:1 }]
journal: { path: FOLDER/journal }
http: { listen: off }
routes: { hook: { sink: { type: webhook, url: http://127.0.0.1:1, concurrency: 60 } } }
`,
    );
    const load = () => readConfig(config, given({}));
    const logged: string[] = [];
    const logger = pino({ base: null }, { write: (line: string) => void logged.push(line) });
    const log: Log = { logger, level: 'info', usualLevel: 'info', lines: new Map(), close: async () => undefined };
    const prlimit = (...args: string[]) => execFileSync('prlimit', ['--pid', String(process.pid), ...args]).toString();
    const before = prlimit('--nofile', '--noheadings', '--output=SOFT').trim();
    prlimit('--nofile=200:');
    const relay = await startRelay(load(), log, { load }).finally(() => prlimit(`--nofile=${before}:`));
    await relay.stop();
    expect(logged.join('')).toContain(`"limit":200,"needed":219,"msg":"${messages.fewFiles}`);
  });
});
