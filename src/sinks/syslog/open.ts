import type { Connection } from './connection.ts';
import { openDatagrams } from './datagrams.ts';
import { isUdp, isUnix, placeOf, type SyslogSinkOptions } from './options.ts';
import { openStream } from './stream.ts';
import { openUnixDatagrams } from './unix-datagrams.ts';

/** @throws Error that says why the server can't be reached */
export async function openConnection(options: SyslogSinkOptions, signal: AbortSignal): Promise<Connection> {
  const { url } = options;
  if (isUnix(url)) return openUnixDatagrams(decodeURIComponent(new URL(url).pathname));
  return isUdp(url) ? openDatagrams(placeOf(url)) : openStream(placeOf(url), options, signal);
}
