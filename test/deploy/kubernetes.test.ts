import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Deployment, StatefulSet } from 'kubernetes-types/apps/v1.d.ts';
import type { ConfigMap } from 'kubernetes-types/core/v1.d.ts';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { cli } from '../support/cli.ts';

const dockerfile = readFileSync('Dockerfile', 'utf8');
const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true });
const page = readFileSync('docs/get-started/kubernetes.md', 'utf8');
const examples = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => {
  const [config, workload] = manifestsIn(text);
  // The first tests look at what they are.
  return { config: config as ConfigMap, workload: workload as StatefulSet & Deployment };
});

describe('docs/get-started/kubernetes.md', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kazoo-relay-kubernetes-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('has a StatefulSet of one and a Deployment of two, each with its configuration', () => {
    const kinds = examples.map(({ config, workload }) => [config.kind, workload.kind, workload.spec?.replicas]);
    expect(kinds).toEqual([
      ['ConfigMap', 'StatefulSet', 1],
      ['ConfigMap', 'Deployment', 2],
    ]);
  });

  test('has manifests with the fields that Kubernetes knows, and no others', () => {
    const manifests = examples.flatMap(({ config, workload }) => [config, workload]);
    expect(faultsOf(manifests)).toBe('');
    const [{ workload }] = examples as [(typeof examples)[0]];
    const wrong = JSON.stringify(workload).replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem');
    expect(faultsOf([JSON.parse(wrong)])).toContain('readOnlyRootFileSystem');
    expect(faultsOf([JSON.parse(JSON.stringify(workload).replace('"replicas":1', '"replicas":"1"'))])).toContain(
      'number',
    );
  });

  test.each([0, 1])('has a configuration in example %s that check accepts', async (index) => {
    for (const name of ['rabbitmq', 'database']) writeFileSync(join(folder, name), 'secret');
    const text = examples[index]?.config.data?.['kazoo-relay.yaml'] ?? '';
    const file = join(folder, `${index}.yaml`);
    writeFileSync(file, text.replaceAll('/secrets', folder));
    expect(await cli(['check', '--config', file])).toMatchObject({ stderr: '', code: 0 });
  });

  test.each([0, 1])('runs the image in example %s as Compose does', (index) => {
    const { template, volumeClaimTemplates = [] } = examples[index]?.workload.spec ?? {};
    const { containers = [], volumes = [], securityContext, terminationGracePeriodSeconds } = template?.spec ?? {};
    const [container] = containers;
    const [, user, group] = /^USER (\d+):(\d+)$/m.exec(dockerfile) ?? [];
    expect(securityContext).toMatchObject({
      ...{ runAsNonRoot: true, runAsUser: Number(user), runAsGroup: Number(group), fsGroup: Number(group) },
    });
    expect(container?.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    // Both are run in the image where the tests start it with Compose.
    const probes = [services['kazoo-relay'], services.demo].map(({ healthcheck }) => healthcheck.test.slice(1));
    expect(container?.livenessProbe?.exec?.command).toEqual(probes[0]);
    if (index === 1) expect(container?.readinessProbe?.exec?.command).toEqual(probes[1]);
    expect(container?.resources).toMatchObject({ requests: { memory: '1Gi' }, limits: { memory: '2Gi' } });
    expect(`${terminationGracePeriodSeconds}s`).toBe(services['kazoo-relay'].stop_grace_period);
    const given = [...volumes.map(({ name }) => name), ...volumeClaimTemplates.map(({ metadata }) => metadata?.name)];
    const mounts = container?.volumeMounts ?? [];
    expect(mounts.map(({ name }) => name).toSorted()).toEqual(given.toSorted());
    const writable = mounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath);
    expect(writable).toEqual(['/var/lib/kazoo-relay', '/tmp']);
    expect(volumes.find(({ name }) => name === 'secrets')?.secret?.defaultMode).toBe(0o440);
  });

  test('forwards the port at which the page is, where no configuration says another one', () => {
    const port = /^ {4}kubectl port-forward \S+ (\d+)$/m.exec(page)?.[1];
    expect(loadConfig('config/systemd.yaml').http.listen).toMatch(new RegExp(`:${port}$`));
    for (const { config } of examples) expect(config.data?.['kazoo-relay.yaml']).not.toContain('http:');
  });

  /** What the compiler says of manifests as values of the types that are made from Kubernetes' own description. */
  function faultsOf(manifests: readonly { kind?: string }[]): string {
    const file = join(folder, 'manifests.ts');
    const lines = manifests.map(
      (manifest, index) =>
        `export const _${index}: import('kubernetes-types/${groups[manifest.kind ?? '']}/v1').${manifest.kind} = ${JSON.stringify(manifest)};\n`,
    );
    writeFileSync(file, lines.join(''));
    const paths = { 'kubernetes-types/*': [join(resolve('node_modules/kubernetes-types'), '*')] };
    const options = { strict: true, noEmit: true, module: 'esnext', moduleResolution: 'bundler', types: [], paths };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['manifests.ts'] }));
    return spawnSync('node_modules/.bin/tsc', ['--project', folder], { encoding: 'utf8' }).stdout;
  }
});

const groups: Readonly<Record<string, string>> = { ConfigMap: 'core', StatefulSet: 'apps', Deployment: 'apps' };

/** As Kubernetes reads them: YAML 1.1, where 0440 is octal. */
function manifestsIn(text: string): unknown[] {
  return parseAllDocuments(text, { version: '1.1', strict: true, uniqueKeys: true }).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
}
