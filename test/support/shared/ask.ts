import { once } from 'node:events';
import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';

/**
 * Asks for something that all test files of this run share; the first one that asks waits until it is made.
 * @returns what the host tells about it: who asks knows what that is
 */
export async function askHost<T>(name: string): Promise<T> {
  const socket = createConnection({ path: process.env.RELAY_TEST_HOST ?? '', allowHalfOpen: true });
  await once(socket, 'connect');
  socket.end(name);
  const answer = JSON.parse(await text(socket)) as { about: T } | { error: string };
  if ('error' in answer) throw new Error(answer.error);
  return answer.about;
}
