import amqp from 'amqplib';
import { loginOf } from '../common/net/amqp-url.ts';

/** For the options of `amqp.connect`, which by itself reads a letter beyond ASCII in a user or a password as two others. */
export function credentialsOf(url: URL): ReturnType<typeof amqp.credentials.plain> {
  const { user, password } = loginOf(url);
  return amqp.credentials.plain(user, password);
}
