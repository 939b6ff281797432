import { statSync } from 'node:fs';

/** Which file it is, whatever its name: while somebody has it open, no other one gets these numbers. */
export interface Identity {
  readonly device: number;
  readonly inode: number;
}

/** Null where nothing is there that can be reached. */
export function identityOf(path: string): Identity | null {
  try {
    const { dev: device, ino: inode } = statSync(path);
    return { device, inode };
  } catch {
    return null;
  }
}

export function isSame(one: Identity | null, other: Identity | null): boolean {
  return one !== null && one.device === other?.device && one.inode === other.inode;
}
