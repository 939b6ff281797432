import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch } from '../arch.ts';
import type { Image } from './dockerfile.ts';

interface Archive {
  /** With its tag. */
  readonly name: string;
  readonly arch: Arch;
  /** Of all files, in Unix seconds. */
  readonly epoch: number;
  readonly file: string;
  /** A folder for what is temporary. */
  readonly work: string;
}

/** Writes an image as `docker save` does, as one layer: the same image gives the same bytes. */
export function writeArchive({ root, config }: Image, { name, arch, epoch, file, work }: Archive): void {
  const folder = mkdtempSync(join(work, 'archive-'));
  const layer = join(folder, 'layer.tar');
  tar(root, ['.'], epoch, ['--file', layer]);
  const created = new Date(epoch * 1000).toISOString();
  const described = JSON.stringify({
    ...{ created, architecture: arch, os: 'linux', config },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(readFileSync(layer))}`] },
    history: [{ created, created_by: 'Dockerfile' }],
  });
  const Config = `${sha256(described)}.json`;
  writeFileSync(join(folder, Config), described);
  writeFileSync(
    join(folder, 'manifest.json'),
    JSON.stringify([{ Config, RepoTags: [name], Layers: ['layer.tar.gz'] }]),
  );
  // The layer is packed, not the archive: buildah reads no packed one. Names are as engines look for them, without ./ before.
  execFileSync('gzip', ['--no-name', layer]);
  tar(folder, ['manifest.json', Config, 'layer.tar.gz'], epoch, ['--file', file, '--owner', '0', '--group', '0']);
}

function tar(folder: string, names: readonly string[], epoch: number, options: readonly string[]): void {
  const always = ['--create', '--format', 'gnu', '--sort', 'name', '--mtime', `@${epoch}`, '--numeric-owner'];
  execFileSync('tar', [...always, ...options, '--directory', folder, ...names]);
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}
