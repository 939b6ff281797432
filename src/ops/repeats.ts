import type { Bindings, Logger } from 'pino';

/** A message is grouped when it has come more often than this within the time, in milliseconds. */
const most = 3;
const span = 10_000;

/** From this level on (pino's numbers: warn is 40). */
const fromLevel = 40;

/** What pino's methods take: fields and a message, or only a message. */
type Line = Parameters<Logger['warn']>;

interface Group {
  count: number;
  last: Line;
  readonly timer: NodeJS.Timeout;
  readonly write: (line: Line) => void;
}

/**
 * Groups warnings and errors that repeat themselves: of one message about one broker or route, three lines are written
 * within ten seconds; those after them become one, the last of them, with their number as `repeated`.
 */
export class Repeats {
  readonly #groups = new Map<string, Group>();

  pass(line: Line, level: number, logger: Logger, write: (line: Line) => void): void {
    if (level < fromLevel) {
      write(line);
      return;
    }
    const key = keyOf(line, logger.bindings());
    const group = this.#groups.get(key);
    if (group === undefined) {
      const timer = setTimeout(() => this.#end(key), span).unref();
      this.#groups.set(key, { count: 1, last: line, timer, write });
    } else {
      group.count += 1;
      group.last = line;
    }
    if (group === undefined || group.count <= most) write(line);
  }

  close(): void {
    for (const key of [...this.#groups.keys()]) this.#end(key);
  }

  #end(key: string): void {
    const group = this.#groups.get(key);
    if (group === undefined) return;
    clearTimeout(group.timer);
    this.#groups.delete(key);
    const repeated = group.count - most;
    if (repeated > 0) group.write(withField(group.last, { repeated }));
  }
}

/** The message, and whom it is about. */
function keyOf(line: Line, { zone, broker, route }: Bindings): string {
  const message = typeof line[0] === 'string' ? line[0] : line[1];
  return JSON.stringify([zone, broker, route, message]);
}

function withField(line: Line, field: object): Line {
  const [first, ...rest] = line as unknown as [unknown, ...string[]]; // as in pino's own types: fields first, or none
  if (typeof first === 'string') return [field, first, ...rest] as unknown as Line;
  return [{ ...(first as object), ...field }, ...rest] as unknown as Line;
}
