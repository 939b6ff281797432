import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { type Flag, type Overrides, pathFrom } from '../../src/config/read/variables.ts';

/** A folder for each test of a file; FOLDER in what is written there is its path. */
export function configFolder() {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  return {
    get path(): string {
      return folder;
    },
    /** Writes a file and gives its path. */
    write(name: string, text: string, mode = 0o600): string {
      const file = join(folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text.replaceAll('FOLDER', folder), { mode });
      return file;
    },
    /** A text without the folder's own path. */
    without: (text: string): string => text.replaceAll(`${folder}/`, ''),
  };
}

/** What an environment and `--set` say. */
export function given(env: Readonly<Record<string, string>>, set: Readonly<Record<string, string>> = {}): Overrides {
  const flags = Object.entries(set).map(
    ([name, text]): Flag => ({ source: `--set ${name}`, path: pathFrom(name) ?? [], text }),
  );
  return { env, flags };
}
