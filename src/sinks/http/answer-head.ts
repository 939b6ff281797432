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
  const text = bytes.toString('latin1');
  if (!protocol.startsWith(text.slice(0, protocol.length))) return bytes;
  const head = upToEmptyLine.exec(text)?.[0];
  if (head === undefined) return undefined;
  const rest = () => bytes.subarray(head.length);
  if (/^HTTP\/1\.\d 100\b/.test(head)) return repairedHead(rest());
  if (!/^transfer-encoding:.*\bchunked\s*$/im.test(head) || head.search(length) === -1) return bytes;
  return Buffer.concat([Buffer.from(head.replace(length, 'connection: close'), 'latin1'), rest()]);
}

const protocol = 'HTTP/1.';
const upToEmptyLine = /^.*?\n\r?\n/s;
const length = /^content-length:[^\r\n]*/gim;
