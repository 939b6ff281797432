import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';

/** Bytes; a longer head is left as it is, and undici refuses it. */
const longestHead = 16 * 1024;

/**
 * A connector on whose HTTP/1 connections the heads of answers are mended where HTTP says what they mean and undici
 * gives them up, with an answer that says that the notification was taken:
 * - `100 Continue` without a request for it, which a client has to skip (RFC 9110, section 15.2);
 * - a length beside chunks, where the chunks count and the connection isn't used again (RFC 9112, section 6.3).
 */
export function withRepairedHeads(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connect(options, (...result) => {
      const [error, socket] = result;
      // Where there is an error, undici gives no socket, as null or undefined.
      if (!error && socket && !isHttp2(socket)) repairHeads(socket);
      callback(...result);
    });
  };
}

function isHttp2(socket: Socket): boolean {
  return 'alpnProtocol' in socket && socket.alpnProtocol === 'h2';
}

/** One request at a time is on a connection, so the first bytes after something was written begin an answer. */
function repairHeads(socket: Socket): void {
  const read = socket.read.bind(socket);
  let written = -1;
  let head: Buffer | undefined;
  socket.read = (size) => {
    for (let chunk: Buffer | null = read(size); chunk !== null; chunk = read(size)) {
      if (socket.bytesWritten !== written) head = Buffer.alloc(0);
      written = socket.bytesWritten;
      if (head === undefined) return chunk;
      const begun: Buffer = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const repaired = begun.length > longestHead ? begun : repairedHead(begun);
      head = repaired === undefined ? begun : undefined;
      if (repaired !== undefined) return repaired;
    }
    return null;
  };
}

/** Undefined if more bytes must come first. Anything but HTTP is returned unchanged. */
function repairedHead(bytes: Buffer): Buffer | undefined {
  const line = bytes.toString('latin1', 0, statusLine.length);
  if (!statusLine.startsWith(line.slice(0, 'HTTP/1.'.length))) return bytes;
  const end = endOf(bytes);
  if (end === -1) return undefined;
  if (/^HTTP\/1\.\d 100\b/.test(line)) return repairedHead(bytes.subarray(end));
  const text = bytes.toString('latin1', 0, end);
  if (!/^transfer-encoding:.*\bchunked\s*$/im.test(text) || text.search(length) === -1) return bytes;
  return Buffer.concat([Buffer.from(text.replace(length, 'connection: close'), 'latin1'), bytes.subarray(end)]);
}

const statusLine = 'HTTP/1.1 100';
const length = /^content-length:[^\r\n]*/gim;

/** Where the empty line ends; -1 where there is none yet. */
function endOf(bytes: Buffer): number {
  const ends = ['\n\r\n', '\n\n'].map((end) => ({ at: bytes.indexOf(end), size: end.length }));
  const found = ends.filter(({ at }) => at !== -1).map(({ at, size }) => at + size);
  return found.length === 0 ? -1 : Math.min(...found);
}
