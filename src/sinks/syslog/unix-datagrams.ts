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
  return {
    async send(messages, signal) {
      for (const { text, size } of messages) {
        const bytes = Buffer.from(text);
        while (c.send(descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
          const errno = c.errno();
          if (errno !== constants.errno.EAGAIN && errno !== constants.errno.ENOBUFS) throw failed(errno, path);
          await delay(pause, undefined, { signal });
        }
      }
    },
    close: () => void c.close(descriptor),
  };
}

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
  EMSGSIZE: 'a message is larger than the socket takes',
};
