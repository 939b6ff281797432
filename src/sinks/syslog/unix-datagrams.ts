import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from './connection.ts';

/** Milliseconds between two tries where the reader's queue is full. */
const pause = 5;

/** Of Linux, `man 2 socket` and `man 2 send`. */
const [AF_UNIX, SOCK_DGRAM, SOCK_CLOEXEC, MSG_DONTWAIT, MSG_NOSIGNAL] = [1, 2, 0o2000000, 0x40, 0x4000];

/**
 * A Unix socket that takes datagrams, as /dev/log does: Node knows only those of streams, so these are system calls of the C
 * library. None of them waits.
 */
export async function openUnixDatagrams(path: string): Promise<Connection> {
  const c = await loadSockets();
  const descriptor = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw failed(c.errno(), path);
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(path), Buffer.from([0])]);
  if (c.connect(descriptor, address, address.length) !== 0) {
    const errno = c.errno();
    c.close(descriptor);
    throw failed(errno, path);
  }
  // The system gives its number to the next file that is opened: nothing may be sent to it then, nor close it again.
  let isClosed = false;
  const send = (bytes: Buffer): number => {
    if (isClosed) throw new Error('the connection is closed');
    return c.send(descriptor, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? c.errno() : 0;
  };
  return {
    async send(messages, said, signal) {
      for (const { text } of messages) {
        const bytes = Buffer.from(text);
        let errno = send(bytes);
        for (; isFull.has(errno); errno = send(bytes)) await delay(pause, undefined, { signal });
        if (errno !== 0 && errno !== constants.errno.EMSGSIZE) throw failed(errno, path);
        said.push(errno === 0 ? 'taken' : 'too large');
      }
    },
    close() {
      if (!isClosed) c.close(descriptor);
      isClosed = true;
    },
  };
}

/** The reader's queue, or the system's memory for it. */
const isFull: ReadonlySet<number> = new Set([constants.errno.EAGAIN, constants.errno.ENOBUFS]);

interface Sockets {
  socket(domain: number, type: number, protocol: number): number;
  connect(descriptor: number, address: Buffer, length: number): number;
  send(descriptor: number, bytes: Buffer, length: number, flags: number): number;
  close(descriptor: number): number;
  /** Of the call before. */
  errno(): number;
}

async function loadSockets(): Promise<Sockets> {
  const { default: koffi } = await import('koffi');
  const c = koffi.load('libc.so.6');
  return {
    socket: c.func('int socket(int domain, int type, int protocol)'),
    connect: c.func('int connect(int fd, const void *address, uint32_t length)'),
    send: c.func('intptr_t send(int fd, const void *bytes, size_t length, int flags)'),
    close: c.func('int close(int fd)'),
    errno: () => koffi.errno(),
  };
}

function failed(errno: number, path: string): Error {
  const [code = `errno ${errno}`] = Object.entries(constants.errno).find(([, number]) => number === errno) ?? [];
  return Object.assign(new Error(reasons[code] ?? `${code} of ${path}`), { code });
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nobody reads the socket',
  EACCES: 'permission denied',
  EPROTOTYPE: 'it is a socket of streams, not of datagrams',
};
