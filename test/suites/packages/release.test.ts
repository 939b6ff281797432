import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const epoch = 1_790_000_000;

describe('a release', () => {
  let folder: string;
  const outs: string[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-twice-'));
    for (const [name, umask, zone] of [
      ['one', '022', 'UTC'],
      ['another/one', '077', 'Asia/Kolkata'],
    ] as const) {
      outs.push(buildIn(join(folder, name), umask, { TZ: zone, LC_ALL: zone === 'UTC' ? 'C' : 'de_DE.UTF-8' }));
    }
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('has the same bytes from another folder, at another time, under another umask and time zone', () => {
    const [one = '', other = ''] = outs;
    expect(readdirSync(one)).not.toEqual([]);
    expect(checksumsIn(other)).toEqual(checksumsIn(one));
  });

  test('holds files of the time that it is told, that everybody may read', () => {
    const tarball = join(outs[1] ?? '', readdirSync(outs[1] ?? '').find((name) => name.endsWith('.tar.gz')) ?? '');
    const lines = execFileSync('tar', ['--list', '--verbose', '--full-time', '--utc', '--file', tarball], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    const time = new Date(epoch * 1000).toISOString().replace('T', ' ').slice(0, 19);
    const odd = lines.split('\n').filter((line) => line !== '' && !(line.includes(time) && /^.r..r..r../.test(line)));
    expect(odd).toEqual([]);
  });
});

/** Builds what git has or would add of this checkout, as it is now, in a folder of its own. */
function buildIn(folder: string, umask: string, environment: Record<string, string>): string {
  const copy = `mkdir -p "$0" && git ls-files -z -co --exclude-standard | xargs -0 cp --parents -t "$0" && cp -r --reflink=auto node_modules "$0"`;
  execFileSync('sh', ['-c', copy, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const out = join(folder, 'release');
  const { status, stderr } = spawnSync('sh', ['-c', `umask ${umask} && exec npm run --silent release`], {
    cwd: folder,
    env: { ...process.env, ...environment, SOURCE_DATE_EPOCH: String(epoch) },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return out;
}

function checksumsIn(folder: string): [string, string][] {
  return readdirSync(folder)
    .sort()
    .map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]);
}
