import type { Bindings, Logger } from 'pino';

/** A message is grouped when it has come more often than this within the time, in milliseconds. */
const most = 3;
const span = 10_000;

/** From this level on (pino's numbers: warn is 40). */
const fromLevel = 40;

/**
 * Of one message, so many reasons are told apart at a time. A fault has seldom more (refused, timed out, no route,
 * reset), while some reasons are new each time, with a port or a time in them: what comes after these counts as one
 * more, so that neither the log nor the memory grows with them.
 */
const reasons = 5;

/** What pino's methods take: fields and a message, or only a message. */
type Line = Parameters<Logger['warn']>;

interface Group {
  count: number;
  last: Line;
  readonly timer: NodeJS.Timeout;
  readonly write: (line: Line) => void;
}

/** The lines of one message by their reasons; undefined is all the others. */
type Groups = Map<string | undefined, Group>;

/**
 * Groups warnings and errors that repeat themselves: of one message with one reason about one broker or route, three
 * lines are written within ten seconds; those after them become one, the last of them, with their number as `repeated`.
 */
export class Repeats {
  readonly #messages = new Map<string, Groups>();

  pass(line: Line, level: number, logger: Logger, write: (line: Line) => void): void {
    if (level < fromLevel) {
      write(line);
      return;
    }
    const message = messageOf(line, logger.bindings());
    const groups: Groups = this.#messages.get(message) ?? new Map();
    this.#messages.set(message, groups);
    const reason = keyIn(groups, reasonIn(line));
    const group = groups.get(reason);
    if (group === undefined) {
      const timer = setTimeout(() => this.#end(message, reason), span).unref();
      groups.set(reason, { count: 1, last: line, timer, write });
    } else {
      group.count += 1;
      group.last = line;
    }
    if (group === undefined || group.count <= most) write(line);
  }

  close(): void {
    for (const [message, groups] of [...this.#messages]) {
      for (const reason of [...groups.keys()]) this.#end(message, reason);
    }
  }

  #end(message: string, reason: string | undefined): void {
    const groups = this.#messages.get(message);
    const group = groups?.get(reason);
    if (groups === undefined || group === undefined) return;
    clearTimeout(group.timer);
    groups.delete(reason);
    if (groups.size === 0) this.#messages.delete(message);
    const repeated = group.count - most;
    if (repeated > 0) group.write(withField(group.last, { repeated }));
  }
}

/** The message, and whom it is about. */
function messageOf(line: Line, bindings: Bindings): string {
  const { zone, broker, route } = { ...bindings, ...fieldsOf(line) };
  const message = typeof line[0] === 'string' ? line[0] : line[1];
  return JSON.stringify([zone, broker, route, message]);
}

function keyIn(groups: Groups, reason: string): string | undefined {
  return groups.has(reason) || groups.size < reasons ? reason : undefined;
}

/** Empty where the line gives none. */
function reasonIn(line: Line): string {
  const { reason, warning, err } = fieldsOf(line);
  return String(reason ?? warning ?? (Error.isError(err) ? err.message : ''));
}

function fieldsOf([first]: Line): Bindings {
  return typeof first === 'object' && first !== null ? first : {};
}

function withField(line: Line, field: object): Line {
  const [first, ...rest] = line as unknown as [unknown, ...string[]]; // as in pino's own types: fields first, or none
  if (typeof first === 'string') return [field, first, ...rest] as unknown as Line;
  return [{ ...(first as object), ...field }, ...rest] as unknown as Line;
}
