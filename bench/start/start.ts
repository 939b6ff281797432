import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../test/support/postgresql.ts';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { startDaemon } from '../daemon.ts';
import { threeRoutes } from '../idle/idle.ts';
import { oneRoute } from '../intake/intake.ts';
import { start as startProgram } from '../process.ts';
import type { Part } from '../rounds.ts';
import { startReceiver } from '../webhook/start-receiver.ts';

/** From the start of the process to the moment when it consumes, with a journal that is there already. */
export const start: Part = {
  name: 'start',
  metrics: { time: { unit: 'ms', digits: 0, against: 'nothing' } },
  async open() {
    const broker = await startBroker();
    const postgres = await startPostgres();
    const receiver = await startReceiver();
    const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
    const daemonWith = (name: string, routes: object) => ({
      name,
      targets: { time: { atMost: 250 } },
      async run() {
        const startedAt = performance.now();
        const daemon = startDaemon({ folder: join(folder, name), urls: [broker.url], routes });
        try {
          await daemon.says('"consuming"');
          return { time: performance.now() - startedAt };
        } finally {
          await daemon.stop();
        }
      },
    });
    return {
      contenders: [
        { name: 'Node by itself', run: startNode },
        daemonWith('daemon, one log route', oneRoute),
        daemonWith('daemon, three routes', threeRoutes(folder, postgres.url, receiver.url)),
      ],
      async close() {
        for (const server of [broker, postgres, receiver]) await server.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

/** As far as the first line of a program. */
async function startNode() {
  const startedAt = performance.now();
  const ended = once(startProgram('--eval', ['0'], 'ignore'), 'exit');
  await ended;
  return { time: performance.now() - startedAt };
}
