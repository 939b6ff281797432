import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from '../../src/cli/support/publisher.ts';
import { startBroker } from '../../test/support/rabbitmq.ts';
import { messages, mixedMessages } from '../notifications.ts';
import { type Contender, type Figures, type Part, throughput } from '../rounds.ts';
import { startReceiver } from '../webhook/start-receiver.ts';
import type { Program } from './program.ts';
import { programsOf } from './programs.ts';
import { besideDeadWebhook, type Stage, throughKills, toFile, toWebhook } from './runs.ts';
import { writeWireSchemas } from './schemas.ts';

const toTheFile = {
  usual: 60_000,
  make: messages,
  metrics: { ...throughput, memory: { unit: 'MiB at most', digits: 0, against: 'ratio' } },
  setUp: async () => alone(toFile),
} as const;

const count = (unit: string) => ({ unit, digits: 0, against: 'nothing' }) as const;

/**
 * What users would run in place of kazoo-relay, at the same work: what waits in the queue is validated by the schema of
 * its event, and goes to a file or a webhook.
 */
export const peers: readonly Part[] = [
  partWith('peers-file', toTheFile),
  partWith('peers-file-mix', { ...toTheFile, make: mixedMessages }),
  partWith('peers-webhook', {
    usual: 30_000,
    make: messages,
    metrics: throughput,
    posts: true,
    async setUp() {
      const receiver = await startReceiver();
      return { run: (program, stage) => toWebhook(program, stage, receiver), close: receiver.close };
    },
  }),
  partWith('peers-kills', {
    usual: 20_000,
    make: messages,
    metrics: { again: count('lines again'), missing: count('lines missing'), broken: count('broken lines') },
    targets: () => ({ again: { atMost: 0 }, missing: { atMost: 0 }, broken: { atMost: 0 } }),
    setUp: async () => alone(throughKills),
  }),
  partWith('peers-dead-webhook', {
    usual: 20_000,
    make: messages,
    metrics: { delivered: count('in the file') },
    targets: (items) => ({ delivered: { atLeast: items } }),
    posts: true,
    async setUp() {
      const dead = await startReceiver();
      await dead.close();
      return alone((program, stage) => besideDeadWebhook(program, stage, `${dead.url}/`));
    },
  }),
];

interface Kind {
  /** How many notifications wait. */
  readonly usual: number;
  make(count: number): Message[];
  readonly metrics: Part['metrics'];
  /** What kazoo-relay must reach. */
  targets?(items: number): NonNullable<Contender['targets']>;
  /** Only for programs that send webhooks. */
  readonly posts?: boolean;
  setUp(): Promise<{ readonly run: Run; close(): Promise<void> }>;
}

type Run = (program: Program, stage: Stage) => Promise<Figures>;

/** Needs nothing beside it. */
function alone(run: Run) {
  return { run, close: async () => undefined };
}

function partWith(name: string, { usual, make, metrics, targets, posts = false, setUp }: Kind): Part {
  return {
    name,
    metrics,
    async open(scale) {
      const { programs } = programsOf(process.env);
      const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-bench-'));
      const broker = await startBroker();
      const { run, close } = await setUp();
      const items = Math.round(usual * scale);
      const schemas = writeWireSchemas(join(folder, 'schemas'));
      const stage = { folder, url: broker.url, schemas, published: make(items) };
      return {
        contenders: programs
          .filter((program) => program.posts || !posts)
          .map((program, index) => ({
            name: program.name,
            ...(index === 0 && targets && { targets: targets(items) }),
            run: () => run(program, stage),
          })),
        async close() {
          await close();
          await broker.close();
          rmSync(folder, { recursive: true });
        },
      };
    },
  };
}
