import { appendFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from '@jest/globals';

let opened = 0;

/**
 * Opens a log beside those of the other daemons of this run: after a failure the last lines of the run say where they
 * are. Without a run that keeps them, nothing is written.
 */
export function openTestLog(what: string): (chunk: Uint8Array) => void {
  const folder = process.env.RELAY_TEST_LOGS;
  if (folder === undefined) return () => undefined;
  opened += 1;
  const { testPath = '', currentTestName = '' } = expect.getState();
  const file = join(folder, `${basename(testPath, '.test.ts')}-${what}-${process.pid}-${opened}.log`);
  appendFileSync(file, `${currentTestName}\n`);
  return (chunk) => appendFileSync(file, chunk);
}
