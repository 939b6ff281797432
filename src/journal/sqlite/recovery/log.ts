import { closeSync, openSync, readSync, statSync } from 'node:fs';

/**
 * What a write-ahead log holds, by the number of a page: where in the file its newest version begins. The format
 * (sqlite.org/fileformat2.html, "The Write-Ahead Log"): a header of 32 bytes, with the page size and two salts; then
 * frames, each a header of 24 bytes and a page. All that was written since the last reset has the header's salts; a
 * frame with the database's size in its header ends a transaction. A checksum goes on from the frame before, whose own
 * stands in its header.
 *
 * It ends, as for SQLite, with the last transaction before the first frame that doesn't follow. What lies behind proves
 * nothing: transactions that failed, and were written over by shorter ones, look just like some that were committed.
 */
export interface Log {
  readonly pageSize: number;
  readonly pages: ReadonlyMap<number, number>;
  /** The database's size in pages after the last transaction; null where there is none. */
  readonly pageCount: number | null;
}

const headerBytes = 32;
const frameHeaderBytes = 24;

/** Magic numbers of a log; the last bit says in which byte order its checksums are made. */
const magics = [0x377f0682, 0x377f0683];

/**
 * Reads a log through; null where there is none.
 * @param pageSize the database's, for a log whose header is lost
 * @param mainBytes of the database's file
 */
export function readLog(file: string, pageSize: number, mainBytes: number): Log | null {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size < headerBytes) return null;
  const descriptor = openSync(file, 'r');
  try {
    const header = headerOf(descriptor, pageSize);
    const pages = new Map<number, number>();
    let pageCount: number | null = null;
    let pending: [page: number, position: number][] = [];
    // All of a log was in the file when it began, and a transaction begins with its lowest page.
    const furthest = Math.ceil(mainBytes / header.pageSize) + 1;
    for (const { position, page, count, isProven } of framesIn(descriptor, header)) {
      if (!isProven && (page < 1 || page > furthest || count > furthest)) continue;
      pending.push([page, position]);
      if (count === 0) continue;
      for (const [number, place] of pending) pages.set(number, place);
      pending = [];
      pageCount = count;
    }
    return { pageSize: header.pageSize, pages, pageCount };
  } finally {
    closeSync(descriptor);
  }
}

interface Frame {
  /** Where its page begins in the file. */
  readonly position: number;
  readonly page: number;
  /** The database's size in pages, where it ends a transaction, else 0. */
  readonly count: number;
  /** False for what no checksum vouches for. */
  readonly isProven: boolean;
}

/** Those that follow one upon the other from the first one on. */
function* framesIn(descriptor: number, header: Header): Generator<Frame> {
  const frame = Buffer.alloc(frameHeaderBytes + header.pageSize);
  let { checksum, salts } = header;
  for (let at = headerBytes; readSync(descriptor, frame, 0, frame.length, at) === frame.length; at += frame.length) {
    // With the header lost, nothing vouches for the first frame: its checksum goes on from the header's.
    const isProven = salts !== null;
    if (isProven && (salts !== frame.readBigUInt64BE(8) || !verifies(frame, checksum, header.littleEndian))) return;
    checksum = frame.readBigUInt64BE(16);
    salts ??= frame.readBigUInt64BE(8);
    yield { position: at + frameHeaderBytes, page: frame.readUInt32BE(0), count: frame.readUInt32BE(4), isProven };
  }
}

/** A terabyte, with pages of 4 KiB: a number beyond is taken for a lie. */
const mostPages = 2 ** 28;

interface Header {
  readonly pageSize: number;
  readonly littleEndian: boolean;
  /** Null where the header is lost: those of the first frame count then. */
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
