import type { Readable } from 'node:stream';

/** Bytes that a line may have, about: one that never ends must not fill the memory. */
const longestLine = 64 * 1024;

/**
 * Calls back with each line of a stream, without its end; with undefined for one that is too long, once. What is left at
 * the stream's end without a line end is a line too.
 */
export function onLines(stream: Readable | null, callback: (line: string | undefined) => void): void {
  let rest = '';
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    const last = lines.pop() ?? '';
    for (const line of lines) callback(line);
    if (last.length > longestLine && rest.length <= longestLine) callback(undefined);
    // Of one that is too long, no more is kept than says so.
    rest = last.slice(0, longestLine + 1);
  });
  stream?.on('end', () => {
    if (rest !== '' && rest.length <= longestLine) callback(rest);
  });
  stream?.on('error', () => undefined);
}
