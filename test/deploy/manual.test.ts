import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { manualPage } from '../../scripts/release/manual.ts';
import { cli } from '../support/cli.ts';

describe('the manual page', () => {
  let page: string;

  beforeAll(async () => {
    page = await manualPage('0.0.1', 1_790_000_000);
  });

  test('has the version, and the date of its time', () => {
    expect(page).toMatch(/^\.TH KAZOO\\-RELAY 1 2026-09-21 "kazoo\\-relay 0\.0\.1"$/m);
  });

  test('has every command that the help lists, with each of its options and all that its help says', async () => {
    const words = (text: string) => text.replaceAll(/\s+/g, ' ');
    const plain = words(
      page
        .replaceAll('\\-', '-')
        .replaceAll('\\(dq', '"')
        .replaceAll('\\e', '\\')
        .replaceAll(/^\.\w+ ?/gm, ''),
    );
    const { stdout: overview } = await cli(['--help']);
    const names = [...overview.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name = '']) => name);
    expect(names).toEqual(expect.arrayContaining(['run', 'status', 'journal', 'completion']));
    for (const name of names.filter((one) => !/^(help|kazoo-relay)$/.test(one))) {
      const { stdout: help } = await cli([name, '--help']);
      expect(plain).toContain(`"${name} [options]`);
      for (const [, option = ''] of help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm))
        if (option !== '--help') expect(plain).toContain(option);
      const after = help.slice(help.search(/^(Exit code|Examples?):/m)).replace(/^ {2,}/gm, '');
      for (const line of after.split('\n').filter((one) => one.startsWith('kazoo-relay '))) {
        expect(plain).toContain(words(line.replaceAll('…', '...')));
      }
    }
  });

  (existsSync('/usr/bin/groff') ? test : test.skip)('is one that groff has nothing to say against', () => {
    const { stderr } = spawnSync('groff', ['-ww', '-man', '-Tutf8', '-Kutf8'], { input: page, encoding: 'utf8' });
    expect(stderr).toBe('');
  });

  test('begins no line of text with what would be a request', () => {
    const requests = page.split('\n').filter((line) => /^[.']/.test(line));
    expect(requests.filter((line) => !/^\.(TH|SH|SS|TP|B|I|BR|RI|PP|RS|RE|nf|fi)\b/.test(line))).toEqual([]);
  });
});
