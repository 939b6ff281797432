import { closeSync, existsSync, openSync, readSync } from 'node:fs';

export interface Lines {
  /** Takes in what has been written since. */
  read(): void;
  close(): void;
}

/** Reads a file while another process writes it, which may not have made it yet. @param each gets every line that is whole */
export function openLines(file: string, each: (line: string) => void): Lines {
  const buffer = Buffer.alloc(2 ** 20);
  let descriptor: number | undefined;
  let position = 0;
  let rest: Buffer = Buffer.alloc(0);
  return {
    read() {
      if (descriptor === undefined && !existsSync(file)) return;
      descriptor ??= openSync(file, 'r');
      for (;;) {
        const count = readSync(descriptor, buffer, 0, buffer.length, position);
        if (count === 0) return;
        position += count;
        const bytes = Buffer.concat([rest, buffer.subarray(0, count)]);
        let start = 0;
        for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
          each(bytes.toString('utf8', start, end));
          start = end + 1;
        }
        rest = bytes.subarray(start);
      }
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
    },
  };
}

const newline = 0x0a;

/** How often each notification is in a file. */
export interface Tally {
  add(line: string): void;
  /** Different notifications. */
  readonly distinct: number;
  /** Lines of one that was there before. */
  readonly again: number;
  /** Lines that are no JSON, as what is left of one that was half written. */
  readonly broken: number;
}

export function openTally(): Tally {
  const seen = new Set<string>();
  const counts = { again: 0, broken: 0 };
  return {
    add(line) {
      const id = idIn(line);
      if (id === null) counts.broken += 1;
      else if (seen.has(id)) counts.again += 1;
      else seen.add(id);
    },
    get distinct() {
      return seen.size;
    },
    get again() {
      return counts.again;
    },
    get broken() {
      return counts.broken;
    },
  };
}

/** Of a notification, as KAZOO wrote it, or normalised, in an envelope or without one; null where it isn't whole. */
function idIn(line: string): string | null {
  try {
    JSON.parse(line);
  } catch {
    return null;
  }
  return /"(?:Msg-ID|msg_id)": ?"([^"]+)"/.exec(line)?.[1] ?? null;
}
