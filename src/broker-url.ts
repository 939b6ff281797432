// As a namespace, for the global function of the same name makes two characters of one that has two bytes.
import querystring from 'node:querystring';

/** The virtual host that the URL of a broker names, as amqplib reads it: a `%` that means nothing stays. */
export function vhostOf({ pathname }: URL): string {
  return pathname.length > 1 ? querystring.unescape(pathname.slice(1)) : '/';
}

/** Who we are at the broker; RabbitMQ's own `guest` where the URL doesn't say. */
export function loginOf({ username, password }: URL): { user: string; password: string } {
  if (username === '' && password === '') return { user: 'guest', password: 'guest' };
  return { user: querystring.unescape(username), password: querystring.unescape(password) };
}
