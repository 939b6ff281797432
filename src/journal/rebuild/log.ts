import { closeSync, openSync, readSync, statSync } from 'node:fs';

/**
 * What a write-ahead log holds, by the number of a page: where in the file its newest version begins. The format
 * (sqlite.org/fileformat2.html, "The Write-Ahead Log"): a header of 32 bytes, with the page size and two salts; then
 * frames, each a header of 24 bytes and a page. All that was written since the last reset has the header's salts; a
 * frame with the database's size in its header ends a transaction. A checksum goes on from the frame before, whose own
 * stands in its header: so each frame can be checked by itself, and one that is broken needn't cost those behind it, as
 * it does with SQLite.
 */
export interface Log {
  readonly pageSize: number;
  /** Up to the first frame that is broken: all that SQLite would take. */
  readonly pages: ReadonlyMap<number, number>;
  /** What was committed behind it. */
  readonly behind: ReadonlyMap<number, number>;
  /** The database's size in pages after the last transaction of `pages`; null where there is none. */
  readonly pageCount: number | null;
  /**
   * True where a frame was broken after it had been written: the last transaction alone may be half written after a
   * loss of power.
   */
  readonly damaged: boolean;
}

const headerBytes = 32;
const frameHeaderBytes = 24;

/** Magic numbers of a log; the last bit says in which byte order its checksums are made. */
const magics = [0x377f0682, 0x377f0683];

/**
 * Reads a log through; null where there is none.
 * @param pageSize the database's, for a log whose header is lost
 */
export function readLog(file: string, pageSize: number): Log | null {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size < headerBytes) return null;
  const descriptor = openSync(file, 'r');
  try {
    const header = headerOf(descriptor, pageSize);
    const contents = new Contents(header.pageSize);
    const frame = Buffer.alloc(frameHeaderBytes + header.pageSize);
    let { checksum, salts } = header;
    for (let position = headerBytes; position + frame.length <= size; position += frame.length) {
      if (readSync(descriptor, frame, 0, frame.length, position) < frame.length) break;
      const isWhole = verifies(frame, checksum, header.littleEndian);
      checksum = frame.readBigUInt64BE(16);
      if (isWhole) salts ??= frame.readBigUInt64BE(8);
      if (!isWhole) contents.broken();
      else if (salts === frame.readBigUInt64BE(8))
        contents.add(frame.readUInt32BE(0), position + frameHeaderBytes, frame.readUInt32BE(4));
    }
    return contents;
  } finally {
    closeSync(descriptor);
  }
}

class Contents implements Log {
  readonly pageSize: number;
  readonly pages = new Map<number, number>();
  readonly behind = new Map<number, number>();
  pageCount: number | null = null;
  #pending: [page: number, position: number][] = [];
  #isBroken = false;
  #commitsBehind = 0;

  constructor(pageSize: number) {
    this.pageSize = pageSize;
  }

  /**
   * Each commit is on disk before the next is begun: of two behind a broken frame, one at least was written after it.
   */
  get damaged(): boolean {
    return this.#commitsBehind > 1;
  }

  broken(): void {
    this.#isBroken = true;
  }

  /** @param pageCount the database's size, where the frame ends a transaction, else 0 */
  add(page: number, position: number, pageCount: number): void {
    this.#pending.push([page, position]);
    if (pageCount === 0) return;
    const committed = this.#isBroken ? this.behind : this.pages;
    for (const [number, place] of this.#pending) committed.set(number, place);
    this.#pending = [];
    if (this.#isBroken) this.#commitsBehind += 1;
    else this.pageCount = pageCount;
  }
}

/** A terabyte, with pages of 4 KiB: a number beyond is taken for a lie. */
const mostPages = 2 ** 28;

interface Header {
  readonly pageSize: number;
  readonly littleEndian: boolean;
  /** Null where the header is lost: those of the first whole frame are the newest then. */
  readonly salts: bigint | null;
  readonly checksum: bigint;
}

function headerOf(descriptor: number, pageSize: number): Header {
  const header = Buffer.alloc(headerBytes);
  readSync(descriptor, header, 0, headerBytes, 0);
  const magic = header.readUInt32BE(0);
  const littleEndian = magic !== magics[1];
  const checksum = header.readBigUInt64BE(24);
  const isWhole = magics.includes(magic) && checksumOf(header, 0, 24, 0n, littleEndian) === checksum;
  return {
    pageSize: isWhole ? header.readUInt32BE(8) : pageSize,
    littleEndian,
    salts: isWhole ? header.readBigUInt64BE(16) : null,
    checksum,
  };
}

function verifies(frame: Buffer, before: bigint, littleEndian: boolean): boolean {
  const page = frame.readUInt32BE(0);
  if (page === 0 || page > mostPages) return false;
  const header = checksumOf(frame, 0, 8, before, littleEndian);
  return checksumOf(frame, frameHeaderBytes, frame.length, header, littleEndian) === frame.readBigUInt64BE(16);
}

/** Two sums of 32 bits that feed each other, over words of 32 bits. */
function checksumOf(bytes: Buffer, from: number, to: number, before: bigint, littleEndian: boolean): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let one = Number(before >> 32n) | 0;
  let two = Number(before & 0xffffffffn) | 0;
  for (let at = from; at < to; at += 8) {
    one = (one + view.getUint32(at, littleEndian) + two) | 0;
    two = (two + view.getUint32(at + 4, littleEndian) + one) | 0;
  }
  return (BigInt(one >>> 0) << 32n) | BigInt(two >>> 0);
}
