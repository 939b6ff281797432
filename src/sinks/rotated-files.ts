import { existsSync } from 'node:fs';
import { open, readdir, unlink } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';

/** `a/b.ndjson` rotated at a time is `a/b-20261124T014728Z.ndjson`, or with `-1`, `-2` … where that is taken. */
export async function freeRotatedName(path: string, time: Date): Promise<string> {
  const { dir, name, ext } = parse(path);
  const stamp = time.toISOString().replace(/[-:]|\.\d+/g, '');
  for (let count = 0; ; count += 1) {
    const candidate = join(dir, `${name}-${stamp}${count === 0 ? '' : `-${count}`}${ext}`);
    if (!existsSync(candidate)) return candidate;
  }
}

/** Removes rotated files of this path, oldest first, until `keep` are left. Touches nothing else in the folder. */
export async function removeOldest(path: string, keep: number): Promise<void> {
  const { name, ext } = parse(path);
  const form = new RegExp(`^${RegExp.escape(name)}-(\\d{8}T\\d{6}Z)(?:-(\\d+))?${RegExp.escape(ext)}$`);
  const rotated = (await readdir(dirname(path)))
    .flatMap((file) => {
      const [, stamp = '', count = '0'] = form.exec(file) ?? [];
      return stamp === '' ? [] : [{ file, stamp, count: Number(count) }];
    })
    .sort((one, other) => one.stamp.localeCompare(other.stamp) || one.count - other.count);
  for (const { file } of rotated.slice(0, Math.max(0, rotated.length - keep))) await unlink(join(dirname(path), file));
  await syncFolder(dirname(path));
}

/** Makes new, renamed and removed names in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
