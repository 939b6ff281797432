import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execSink } from '../../../src/sinks/exec/sink.ts';
import { until } from '../../support/until.ts';
import type { ContractedSink, Made, Place } from './contract.ts';

const noNetwork = { never: 'A program is no network.' };

export const exec: ContractedSink = {
  name: 'exec',
  repeats: 'twice',
  cases: {
    'down at the start': 'unavailable',
    'gone in the middle of a batch': 'partly',
    restarted: 'delivered',
    slow: 'delivered',
    'half open': noNetwork,
    'reset, then silent': noNetwork,
    'an answer after the deadline': 'given up',
    'one refused of many': 'dead',
    'credentials expired': { never: 'A program needs no credentials of the daemon’s.' },
    'a wrong name in TLS': noNetwork,
    'the same batch after a crash': 'delivered',
    'closed while busy': 'delivered',
    '0 deliveries': 'delivered',
    '10,000 deliveries': 'delivered',
    'a body of 1 MB': 'delivered',
    'hostile texts': 'delivered',
  },
};

/** Notes ids in `held`, says that it is there in `pid`, waits while there is `wait`, and ends at the id in `ends-at`. */
const program = `
  const { appendFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs');
  writeFileSync('pid', String(process.pid));
  const lines = require('node:readline').createInterface({ input: process.stdin });
  (async () => {
    for await (const line of lines) {
      const { id, event } = JSON.parse(line);
      writeFileSync('asked', id);
      while (existsSync('wait')) await new Promise((resolve) => setTimeout(resolve, 5));
      if (existsSync('ends-at') && readFileSync('ends-at', 'utf8') === id) {
        writeFileSync('ends-at', 'ended');
        process.exit(1);
      }
      if (existsSync('ends-at') && readFileSync('ends-at', 'utf8') === 'ended') process.exit(1);
      if (event !== 'refused') appendFileSync('held', id + '\\n');
      if (event === 'refused') console.error(process.env.PASSWORD);
      console.log(event === 'refused' ? 'dead we want none of these, ' + process.env.PASSWORD : 'ok');
    }
  })();`;

export async function execPlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-exec-'));
  const at = (name: string) => join(folder, name);
  writeFileSync(at('program.cjs'), program);
  const wait = (): Made => {
    rmSync(at('asked'), { force: true });
    writeFileSync(at('wait'), '');
    return {
      met: async () => void (await until(() => existsSync(at('asked')), { what: 'the program to be asked' })),
      undo: () => rmSync(at('wait'), { force: true }),
    };
  };
  return {
    kind: execSink,
    options: {
      command: [process.execPath, at('program.cjs')],
      directory: folder,
      environment: { PASSWORD: 'gehei/m' },
      batch: { max: 100 },
    },
    secrets: ['gehei/m'],
    held: async () => (existsSync(at('held')) ? readFileSync(at('held'), 'utf8').split('\n').slice(0, -1) : []),
    faults: {
      'down at the start': () => {
        renameSync(at('program.cjs'), at('aside'));
        return { undo: () => renameSync(at('aside'), at('program.cjs')) };
      },
      'gone in the middle of a batch': (batch) => {
        writeFileSync(at('ends-at'), batch[4]?.header.id ?? '');
        return { undo: () => rmSync(at('ends-at'), { force: true }) };
      },
      restarted: () => {
        process.kill(Number(readFileSync(at('pid'), 'utf8')), 'SIGKILL');
        return { undo: () => undefined };
      },
      slow: wait,
      'an answer after the deadline': wait,
      'one refused of many': () => ({ undo: () => undefined }),
    },
    close: async () => rmSync(folder, { recursive: true }),
  };
}
