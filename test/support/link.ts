import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import pino from 'pino';
import { Intake } from '../../src/broker/intake.ts';
import { Link, type LinkActivity, type LinkOptions } from '../../src/broker/link.ts';
import { MemoryBudget } from '../../src/common/memory-budget.ts';
import type { TlsFiles } from '../../src/common/net/tls.ts';
import type { Appender, Journal } from '../../src/journal/journal.ts';
import { createValidator } from '../../src/schema/validator.ts';
import { openJournal } from './journal.ts';
import { until } from './until.ts';

/** A link with its own journal, as the relay builds it, and what it has logged. */
export interface TestLink {
  readonly journal: Journal;
  readonly intake: Intake;
  /** Messages and reasons of the log, oldest first. */
  readonly logged: string[];
  /** How often it has begun to consume. */
  readonly sessions: number;
  readonly activity: LinkActivity;
  /** The `msg_id` of every notification in the journal, in its order. */
  journalled(): Promise<string[]>;
  stop(deadline: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export const queue = {
  name: 'kazoo-relay',
  type: 'classic',
  maxLength: 100_000,
  maxLengthBytes: 128 * 1024 * 1024,
  expires: 86_400_000,
  consumers: 1,
} as const;

/** @param wrap lets a test put something between intake and the journal */
export async function startLink(
  url: string,
  { tls, ...options }: Partial<LinkOptions> & { readonly tls?: TlsFiles | undefined } = {},
  wrap: (journal: Journal) => Appender = (journal) => journal,
): Promise<TestLink> {
  const folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-link-'));
  const logged: string[] = [];
  const log = pino({ level: 'info', base: null }, { write: (line: string) => void logged.push(line) });
  const journal = await openJournal(folder, log);
  const intake = new Intake(
    { batch: { max: 500, linger: 5 }, maxBodySize: 1024 * 1024, maxBodyMembers: 20_000 },
    { validator: createValidator([]), reveals: () => [] },
    { appender: wrap(journal), memory: new MemoryBudget(16 * 1024 * 1024), log },
  );
  const link = new Link(
    { zone: 'west', url, tls },
    {
      queue,
      prefetch: 1_000,
      heartbeat: 5_000,
      connectTimeout: 5_000,
      watch: { interval: 500, stalledAfter: 5_000 },
      ...options,
    },
    intake,
    log,
  );
  return {
    journal,
    intake,
    logged,
    get sessions() {
      return logged.filter((line) => line.includes('"consuming"')).length;
    },
    get activity() {
      return link.activity;
    },
    async journalled() {
      const entries = await journal.find({ after: 0, limit: 1_000_000 });
      return entries.map(({ data }) => String(data?.msg_id));
    },
    stop: (deadline) => link.stop(deadline),
    async close() {
      await link.stop(AbortSignal.timeout(5_000));
      await journal.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A watch that looks every 20 ms, and can be made to look when time has passed that has not. */
export function countedWatch(stalledAfter: number) {
  let looks = 0;
  return {
    stalledAfter,
    /** The watch asks for it before each look. */
    get interval() {
      looks += 1;
      return 20;
    },
    async looks(count: number) {
      const before = looks;
      // The first of them may be under way already.
      await until(() => looks > before + count, { what: `${count} looks` });
    },
    /** Until the test restores its mocks. */
    async looksLater(milliseconds: number) {
      const now = performance.now.bind(performance);
      jest.spyOn(performance, 'now').mockImplementation(() => now() + milliseconds);
      await this.looks(3);
    },
  };
}
