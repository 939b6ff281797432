import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { markOf, watchFile } from '../../src/relay/file-watch.ts';
import { until } from '../support/until.ts';

let folder: string;
let file: string;
let stopping: AbortController;
let watching: Promise<void>;
let changes: number;

const interval = 20;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-watch-'));
  file = join(folder, 'config.ini');
  writeFileSync(file, 'one');
  changes = 0;
  watch();
});

afterEach(async () => {
  stopping.abort();
  await watching;
  rmSync(folder, { recursive: true });
});

/** @param asRead how the file was when it was read; as it is now, where it isn't given */
function watch(asRead?: string): void {
  stopping = new AbortController();
  const onChange = () => {
    changes += 1;
  };
  watching = watchFile(file, onChange, stopping.signal, asRead, interval);
}

async function told(count: number): Promise<void> {
  await until(() => changes === count, { what: `${count} changes` });
  // It is told once.
  await delay(5 * interval);
  expect(changes).toBe(count);
}

describe('a file that is watched', () => {
  test('is told of when it is written, and when another one of the same size takes its place', async () => {
    writeFileSync(file, 'two');
    await told(1);
    writeFileSync(`${file}.new`, 'six');
    renameSync(`${file}.new`, file);
    await told(2);
  });

  test('is told of when it changed between its reading and the first look', async () => {
    const asRead = markOf(file);
    writeFileSync(file, 'changed since');
    await told(1);
    stopping.abort();
    await watching;
    watch(asRead);
    await told(2);
  });

  test('is told of once when it is away for good, and again when it is back', async () => {
    rmSync(file);
    await told(1);
    writeFileSync(file, 'back');
    await told(2);
  });
});
