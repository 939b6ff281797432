import { piecesOf } from '../../common/text/format.ts';
import type { Delivery } from '../../notification/envelope.ts';

/** As many as Node has threads for files: no more can be written at a time. */
const count = 4;

/** Bytes of each. It takes memory where it has been written to. */
const size = 1024 * 1024;

const free: Buffer[] = Array.from({ length: count }, () => Buffer.allocUnsafeSlow(size));
const waiting: ((buffer: Buffer) => void)[] = [];

/**
 * Gives some work the bytes of a batch's lines, which are lent until it ends. All sinks share a few buffers, and wait for
 * their turn: new memory for each batch would stay until garbage is collected, and fifty routes would have as many of them at
 * a time.
 */
export async function withBytesOf<T>(batch: readonly Delivery[], work: (lines: Buffer) => Promise<T>): Promise<T> {
  const buffer = free.pop() ?? (await new Promise<Buffer>((resolve) => waiting.push(resolve)));
  try {
    return await work(linesOf(batch, buffer));
  } finally {
    const next = waiting.shift();
    if (next === undefined) free.push(buffer);
    else next(buffer);
  }
}

/** In the buffer, where they fit. */
function linesOf(batch: readonly Delivery[], buffer: Buffer): Buffer {
  let used = 0;
  const more: Buffer[] = [];
  for (const piece of piecesOf(batch.values().map(({ json }) => `${json}\n`))) {
    // A character takes three bytes at most.
    if (more.length === 0 && used + 3 * piece.length <= buffer.length) used += buffer.write(piece, used);
    else more.push(Buffer.from(piece));
  }
  const lines = buffer.subarray(0, used);
  return more.length === 0 ? lines : Buffer.concat([lines, ...more]);
}
