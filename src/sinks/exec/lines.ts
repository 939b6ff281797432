import type { Readable } from 'node:stream';

/** Characters that a line may have: one that never ends must not fill the memory. */
const longestLine = 64 * 1024;

/**
 * Calls back with each line of a stream, without its end; with undefined for one that is too long, once. What is left at
 * the stream's end without a line end is a line too.
 */
export function onLines(stream: Readable | null, callback: (line: string | undefined) => void): void {
  let rest = '';
  let isTold = false;
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!isTold) callback(line.length > longestLine ? undefined : line);
      isTold = false;
    }
    if (rest.length <= longestLine) return;
    // Of one that is too long, nothing is kept.
    rest = '';
    if (!isTold) callback(undefined);
    isTold = true;
  });
  stream?.on('end', () => {
    if (rest !== '' && !isTold) callback(rest);
  });
  stream?.on('error', () => undefined);
}
