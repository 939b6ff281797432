import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config/load.ts';

const run = promisify(execFile);
const source = readFileSync('deploy/systemd/kazoo-relay.service', 'utf8');
/** What install.sh and the packages have in common. */
const service = readFileSync('deploy/systemd/service.sh', 'utf8');

describe('the unit for systemd', () => {
  test('starts what install.sh installs, with the configuration that it makes', () => {
    const installer = readFileSync('deploy/install.sh', 'utf8');
    expect(installer).toContain('\nprogram=/opt/kazoo-relay\n');
    expect(service).toContain('\nconfig=/etc/kazoo-relay\n');
    expect(directive('ExecStart')).toBe(
      '/opt/kazoo-relay/bin/node /opt/kazoo-relay/dist/main.js run --config /etc/kazoo-relay/kazoo-relay.yaml',
    );
  });

  test('has the folders made with the permissions that install.sh gives them before its first start', () => {
    expect(service).toContain(`\nstate=/var/lib/${directive('StateDirectory')}\n`);
    expect(service).toContain(`\nlogs=/var/log/${directive('LogsDirectory')}\n`);
    const modes = [...service.matchAll(/ -m (\d+) /g)].map(([, mode]) => mode);
    expect(modes).toEqual([directive('StateDirectoryMode'), directive('LogsDirectoryMode')]);
    const installer = readFileSync('deploy/install.sh', 'utf8');
    expect(installer.indexOf('\n  add_folders\n')).toBeGreaterThan(installer.indexOf('\n  add_user\n'));
  });

  test('lets that configuration write only where the service may', () => {
    const { journal, routes } = loadConfig('config/systemd.yaml');
    expect(journal.path).toBe(`/var/lib/${directive('StateDirectory')}`);
    expect(routes.map(({ sink }) => sink.options)).toEqual([
      expect.objectContaining({ path: `/var/log/${directive('LogsDirectory')}/notifications.ndjson` }),
    ]);
  });

  test('gives a stop more time than the daemon takes', () => {
    expect(Number.parseInt(directive('TimeoutStopSec'), 10) * 1000).toBeGreaterThan(
      loadConfig('config/systemd.yaml').shutdown.timeout + 10_000,
    );
  });
});

// Only where systemd is: it is a tool of Linux, and not of every container.
(existsSync('/usr/bin/systemd-analyze') ? describe : describe.skip)('systemd-analyze', () => {
  let folder: string;
  let unit: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-unit-'));
    unit = join(folder, 'kazoo-relay.service');
    // It looks whether what is started exists.
    writeFileSync(unit, source.replaceAll('/opt/kazoo-relay/bin/node', process.execPath));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('finds no fault', async () => {
    expect(await run('systemd-analyze', ['verify', '--man=no', unit])).toEqual({ stdout: '', stderr: '' });
  });

  test('sees an exposure of 1.5 at most', async () => {
    const { stdout } = await run('systemd-analyze', [
      'security',
      '--offline=true',
      '--threshold=15',
      '--no-pager',
      unit,
    ]);
    expect(stdout).toMatch(/Overall exposure level for kazoo-relay\.service: 1\.\d OK/);
  });
});

function directive(name: string): string {
  return new RegExp(`^${name}=(.*)$`, 'm').exec(source)?.[1] ?? '';
}
