import { existsSync } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';

/** A rotated file, in one form or, after a crash, in several. */
export interface RotatedFile {
  /** Where it is as it was written; the other forms have a suffix more. */
  readonly path: string;
  readonly forms: ReadonlySet<Form>;
}

/** As it was written; compressed; on its way to that. */
type Form = '' | '.gz' | '.gz.part';

/**
 * `a/b.ndjson` rotated at a time is `a/b-20261124T014728Z.ndjson`, or with `-1`, `-2` … where that is taken. One that is
 * compressed is taken too.
 */
export async function freeRotatedName(path: string, time: Date): Promise<string> {
  const { dir, name, ext } = parse(path);
  const stamp = time.toISOString().replace(/[-:]|\.\d+/g, '');
  for (let count = 0; ; count += 1) {
    const candidate = join(dir, `${name}-${stamp}${count === 0 ? '' : `-${count}`}${ext}`);
    if (!existsSync(candidate) && !existsSync(`${candidate}.gz`)) return candidate;
  }
}

/** The rotated files of this path, oldest first, and what a crash has left of compressing one. */
export async function rotatedFiles(path: string): Promise<RotatedFile[]> {
  const { name, ext } = parse(path);
  const [start, end] = [RegExp.escape(name), RegExp.escape(ext)];
  const pattern = new RegExp(`^(${start}-(\\d{8}T\\d{6}Z)(?:-(\\d+))?${end})((?:\\.gz(?:\\.part)?)?)$`);
  const found = new Map<string, { stamp: string; count: number; forms: Set<Form> }>();
  for (const file of await readdir(dirname(path))) {
    const [, plain, stamp = '', count = '0', form] = pattern.exec(file) ?? [];
    if (plain === undefined) continue;
    const entry = found.get(plain) ?? { stamp, count: Number(count), forms: new Set() };
    entry.forms.add(form as Form); // as the pattern says
    found.set(plain, entry);
  }
  return [...found]
    .sort(([, one], [, other]) => one.stamp.localeCompare(other.stamp) || one.count - other.count)
    .map(([plain, { forms }]) => ({ path: join(dirname(path), plain), forms }));
}

/** Removes rotated files of this path, oldest first, until `keep` are left. Touches nothing else in the folder. */
export async function removeOldest(path: string, keep: number): Promise<void> {
  const rotated = (await rotatedFiles(path)).filter(({ forms }) => forms.has('') || forms.has('.gz'));
  for (const { path: plain } of rotated.slice(0, Math.max(0, rotated.length - keep))) {
    // Whatever its form: it may be changing from one to the other just now.
    await rm(plain, { force: true });
    await rm(`${plain}.gz`, { force: true });
  }
  await syncToDisk(dirname(path));
}

/** Makes what a file holds survive a power cut, or new, renamed and removed names in a folder. */
export async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
