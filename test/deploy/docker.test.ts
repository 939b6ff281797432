import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';

/** What these tests look at of a service of docker-compose.yml. */
interface Service {
  readonly image: string;
  readonly build?: string;
  readonly init?: boolean;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly command?: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean } & Record<string, unknown>;
  readonly depends_on?: Record<string, { readonly condition: string }>;
  readonly mem_reservation?: string;
  readonly mem_limit?: string;
  readonly stop_grace_period?: string;
}

const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as {
  services: Record<string, Service> & { 'kazoo-relay': Service };
};
const daemon = services['kazoo-relay'];
const ours = Object.values(services).filter(({ build }) => build !== undefined);
const dockerfile = readFileSync('Dockerfile', 'utf8');

describe('docker-compose.yml', () => {
  test('runs one image for all that is ours, so that an update leaves none behind, with an init', () => {
    expect(ours.length).toBeGreaterThan(1);
    for (const { image, init } of ours) expect({ image, init }).toEqual({ image: 'kazoo-relay', init: true });
  });

  test('has a health check for each service that stays, which "up --wait" waits for, and the image’s own for the daemon', () => {
    const ending = Object.values(services).flatMap(({ depends_on = {} }) =>
      Object.keys(depends_on).filter((name) => depends_on[name]?.condition === 'service_completed_successfully'),
    );
    expect(ending).toEqual(['demo-publish']);
    for (const [name, { healthcheck }] of Object.entries(services)) {
      if (ending.includes(name)) continue;
      expect(healthcheck?.disable).toBeUndefined();
      expect(healthcheck?.test?.[0]).toBe('CMD');
    }
    const [, interval, timeout, start_period, command = ''] =
      /^HEALTHCHECK --interval=(\S+) --timeout=(\S+) --start-period=(\S+) CMD (.*)$/m.exec(dockerfile) ?? [];
    const own = { test: ['CMD', ...JSON.parse(command)], interval, timeout, start_period };
    expect(daemon.healthcheck).toEqual(own);
  });

  test('opens the page on this machine alone, where the daemon listens, and its start writes a link to it', () => {
    const { http } = parse(readFileSync('deploy/docker/config/kazoo-relay.yaml', 'utf8'));
    expect(http.listen).toBe('0.0.0.0:9400');
    expect(daemon.ports).toEqual(['127.0.0.1:9400:9400']);
    expect(daemon.command).toEqual(['run', '--page-link']);
  });

  test('mounts the folder of the configuration, not the file, which an editor would replace', () => {
    for (const { volumes } of ours) {
      expect(volumes).toContain(`\${KAZOO_RELAY_CONFIG:-./deploy/docker/config}:/etc/kazoo-relay:ro`);
    }
    expect(existsSync('deploy/docker/config/kazoo-relay.yaml')).toBe(true);
  });

  test('gives a stop more time than the daemon takes, and the daemon takes less than Docker gives by itself', () => {
    const { timeout } = loadConfig('config/systemd.yaml').shutdown; // by default, as there
    expect(Number.parseInt(daemon.stop_grace_period ?? '', 10) * 1000).toBeGreaterThanOrEqual(timeout + 10_000);
    expect(timeout).toBeLessThanOrEqual(8_000);
  });

  test('bounds the memory as the unit for systemd does', () => {
    const unit = readFileSync('deploy/systemd/kazoo-relay.service', 'utf8');
    const directive = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]?.toLowerCase();
    expect([daemon.mem_reservation, daemon.mem_limit]).toEqual([directive('MemoryHigh'), directive('MemoryMax')]);
    expect(daemon.mem_limit).toBe('2g');
  });
});

test('what docs/get-started/docker.md has for a backup is seen neither by git nor by the build', () => {
  expect(execFileSync('git', ['check-ignore', 'backup/journal'], { encoding: 'utf8' })).toBe('backup/journal\n');
  expect(readFileSync('.dockerignore', 'utf8')).toMatch(/^\*\n(!.*\n)*$/);
});
