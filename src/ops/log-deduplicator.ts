import type { Bindings, Logger } from 'pino';

/** A message is grouped when it has come more often than this within the time, in milliseconds. */
const most = 3;
const span = 10_000;

/** Of pino's numbers. */
const warn = 40;
const info = 30;

/**
 * Of one message, so many reasons are told apart at a time. A fault has seldom more (refused, timed out, no route,
 * reset), while some reasons are new each time, with a port or a time in them: what comes after these counts as one
 * more, so that neither the log nor the memory grows with them.
 */
const reasons = 5;

/** What pino's methods take: fields and a message, or only a message. */
type Line = Parameters<Logger['warn']>;

interface Group {
  /** Whom its lines are about. */
  readonly whom: string;
  count: number;
  /** When the last of them came, among the lines of all groups. */
  turn: number;
  last: Line;
  readonly timer: NodeJS.Timeout;
  readonly write: (line: Line) => void;
}

/** The lines of one message by their reasons; undefined is all the others. */
type Groups = Map<string | undefined, Group>;

/**
 * Groups repeated warnings and errors: of one message with one reason about one broker or route, three lines are
 * written within ten seconds; the others become one, the last of them, with their number as `repeated`. The same
 * applies to lines at info without fields: most of them report the end of a fault.
 */
export class LogDeduplicator {
  readonly #messages = new Map<string, Groups>();
  #turn = 0;

  pass(line: Line, level: number, logger: Logger, write: (line: Line) => void): void {
    if (level < info || (level < warn && hasText(line))) {
      write(line);
      return;
    }
    const whom = whomOf(line, logger.bindings());
    const message = `${whom} ${typeof line[0] === 'string' ? line[0] : line[1]}`;
    const groups: Groups = this.#messages.get(message) ?? new Map();
    this.#messages.set(message, groups);
    const reason = keyIn(groups, reasonIn(line));
    let group = groups.get(reason);
    if (group === undefined) {
      const timer = setTimeout(() => this.#end(message, reason), span).unref();
      group = { whom, count: 0, turn: 0, last: line, timer, write };
      groups.set(reason, group);
    }
    group.count += 1;
    group.turn = this.#turn++;
    group.last = line;
    if (group.count <= most) write(line);
  }

  close(): void {
    for (const [message, groups] of [...this.#messages]) {
      for (const reason of [...groups.keys()]) this.#end(message, reason);
    }
  }

  /** What else is held back about the same ends with it, in its order: the last line must tell how things are. */
  #end(message: string, reason: string | undefined): void {
    const group = this.#messages.get(message)?.get(reason);
    if (group === undefined) return;
    const ended = this.#remove((one) => one === group || (one.whom === group.whom && one.count > most));
    for (const { count, last, write } of ended.toSorted((one, other) => one.turn - other.turn)) {
      if (count > most) write(withField(last, { repeated: count - most }));
    }
  }

  #remove(isMeant: (group: Group) => boolean): Group[] {
    const removed: Group[] = [];
    for (const [message, groups] of [...this.#messages]) {
      for (const [reason, group] of [...groups]) {
        if (!isMeant(group)) continue;
        clearTimeout(group.timer);
        groups.delete(reason);
        removed.push(group);
      }
      if (groups.size === 0) this.#messages.delete(message);
    }
    return removed;
  }
}

function whomOf(line: Line, bindings: Bindings): string {
  const { zone, broker, route } = { ...bindings, ...fieldsOf(line) };
  return JSON.stringify([zone, broker, route]);
}

/** True where a line says something of its own beside its message. */
function hasText(line: Line): boolean {
  return Object.values(fieldsOf(line)).some((value) => typeof value !== 'number');
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
