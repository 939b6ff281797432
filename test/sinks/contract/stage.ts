import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { inspect } from 'node:util';
import { expect } from '@jest/globals';
import pino from 'pino';
import type { JsonObject } from '../../../src/common/json.ts';
import type { Entry } from '../../../src/notification/entry.ts';
import type { Delivery } from '../../../src/notification/envelope.ts';
import { type Outcome, type Sink, SinkUnavailable } from '../../../src/sinks/sink.ts';
import { deliveryFrom, type EntryParts, entry } from '../../support/notification.ts';
import { sinkOptions } from '../../support/sink-options.ts';
import { until } from '../../support/until.ts';
import type { CaseName } from './cases.ts';
import type { ContractedSink, Ending, Made, Place } from './contract.ts';

/** What an attempt came to. */
interface Attempt {
  /** That of all deliveries. */
  readonly ending: Ending;
  readonly outcomes: readonly Outcome[];
}

/** One case, on one sink: it opens the sink when the first batch comes, as a route does, and looks at all that it says. */
export class Stage {
  readonly #sink: ContractedSink;
  readonly #place: Place;
  readonly #name: CaseName;
  readonly #given = new Set<string>();
  readonly #said: string[] = [];
  readonly #resourcesBefore = resources();
  readonly #undone: (() => void | Promise<void>)[] = [];
  #options: object;
  #open: Sink | undefined;

  constructor(sink: ContractedSink, place: Place, name: CaseName) {
    this.#sink = sink;
    this.#place = place;
    this.#name = name;
    this.#options = place.options;
  }

  /** Makes the case's fault, where it has one. */
  async make(batch: readonly Delivery[]): Promise<Made> {
    const fault = this.#place.faults?.[this.#name];
    if (fault === undefined) throw new Error(`the place of ${this.#sink.name} doesn't say how it is "${this.#name}"`);
    const made = await fault(batch);
    this.#options = made.options ?? this.#options;
    let isUndone = false;
    const undo = async () => {
      if (!isUndone) await made.undo();
      isUndone = true;
    };
    this.#undone.push(undo);
    return { ...made, undo };
  }

  async open(): Promise<Sink> {
    this.#open ??= await this.#place.kind.open(this.#checked, { route: 'test', log: this.#log });
    return this.#open;
  }

  /** As after a crash: another one, which knows nothing of what the one before has done. */
  async reopen(): Promise<void> {
    await this.close();
    await this.open();
  }

  async close(): Promise<void> {
    const sink = this.#open;
    this.#open = undefined;
    if (sink !== undefined) await soon(sink.close(), 'close()');
  }

  /** One attempt with one batch; it ends soon after the signal has. */
  async deliver(batch: readonly Delivery[], signal = AbortSignal.timeout(patience)): Promise<Attempt> {
    for (const { header } of batch) this.#given.add(header.id);
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    const attempt = this.#attempt(batch, signal);
    await Promise.race([attempt, aborted]);
    return soon(attempt, 'deliver()');
  }

  /** All of them, in batches as a route makes them. */
  async deliverAtOnce(deliveries: readonly Delivery[]): Promise<Attempt[]> {
    const { batch, concurrency } = this.#place.kind.limits(this.#checked);
    const batches = Array.from({ length: Math.ceil(deliveries.length / batch.max) }, (_, at) =>
      deliveries.slice(at * batch.max, (at + 1) * batch.max),
    );
    await this.open();
    const attempts: Attempt[] = [];
    const deliverNext = async (): Promise<void> => {
      for (let next = batches.shift(); next !== undefined; next = batches.shift())
        attempts.push(await this.deliver(next));
    };
    await Promise.all(Array.from({ length: concurrency }, deliverNext));
    return attempts;
  }

  /** Until each is delivered, as a route does; gives how many attempts have failed. */
  async deliverAll(batch: readonly Delivery[]): Promise<number> {
    let rest = batch;
    let failed = 0;
    const isDone = async () => {
      const { outcomes } = await this.deliver(rest);
      if (outcomes.some(({ status }) => status === 'dead')) throw new Error(`a good one is dead: ${this.#said.at(-1)}`);
      rest = rest.filter((_, at) => outcomes[at]?.status !== 'delivered').map(again);
      if (rest.length > 0) failed += 1;
      return rest.length === 0;
    };
    await until(isDone, { what: 'all to be delivered' });
    return failed;
  }

  /**
   * Expects the place to hold these of all that it was given, and no others but those that it may.
   * @param isOnce where none can have come twice, whatever the sink is like
   */
  async expectHeld(
    batch: readonly Delivery[],
    { isOnce = false, others = [] }: { isOnce?: boolean; others?: readonly Delivery[] } = {},
  ): Promise<void> {
    const counts = async () => countsOf((await this.#place.held()).filter((id) => this.#given.has(id)));
    const expected = batch.map(({ header }) => header.id);
    const found = await until(
      async () => {
        const counted = await counts();
        return expected.every((id) => counted.has(id)) && counted;
      },
      { what: `the place to hold all ${expected.length}`, timeout: patience },
    );
    const allowed = new Set([...expected, ...others.map(({ header }) => header.id)]);
    const isTwice = (count: number) => count > 1;
    expect({
      unasked: [...found.keys()].filter((id) => !allowed.has(id)).length,
      twice: isOnce || this.#sink.repeats === 'once' ? [...found.values()].filter(isTwice).length : 0,
    }).toEqual({ unasked: 0, twice: 0 });
  }

  /** Undoes what the case has made, and expects the sink to let go of everything, and to have told nobody a secret. */
  async end(): Promise<void> {
    for (const undo of this.#undone) await undo();
    await this.close();
    await until(() => resources() <= this.#resourcesBefore, { what: 'the sink to let go of all', timeout: patience });
    for (const secret of this.#place.secrets ?? []) expect(this.#said.join('\n')).not.toContain(secret);
  }

  async #attempt(batch: readonly Delivery[], signal: AbortSignal): Promise<Attempt> {
    try {
      const outcomes = await (await this.open()).deliver(batch, signal);
      this.#said.push(JSON.stringify(outcomes));
      expect(outcomes).toHaveLength(batch.length);
      const [first, ...others] = new Set(outcomes.map(endingOf));
      return { ending: others.length > 0 ? 'partly' : (first ?? 'delivered'), outcomes };
    } catch (error) {
      this.#said.push(inspect(error, { depth: 10 }));
      if (error instanceof SinkUnavailable) return { ending: 'unavailable', outcomes: [] };
      if (signal.aborted && error === signal.reason) return { ending: 'given up', outcomes: [] };
      throw error;
    }
  }

  get #checked() {
    return sinkOptions(this.#place.kind, this.#options);
  }

  get #log() {
    return pino({ level: 'trace' }, { write: (line: string) => void this.#said.push(line) });
  }
}

/** Different from every other one. @param parts of those at some places, where they aren't the usual */
export function deliveries(count: number, parts: Readonly<Record<number, EntryParts>> = {}): Delivery[] {
  return Array.from({ length: count }, (_, at) =>
    remembered(entry({ id: randomUUID(), ...bodyOf({ event_name: 'low_balance', number: at }), ...parts[at] })),
  );
}

/** Parts of an entry whose body is this. */
export function bodyOf(data: JsonObject): EntryParts {
  return { data, json: JSON.stringify(data) };
}

/** As a route hands it over when it doesn't know what became of the attempt before. */
export function again(delivery: Delivery): Delivery {
  const known = entries.get(delivery);
  if (known === undefined) throw new Error('it is not of deliveries()');
  return remembered(known, true);
}

const entries = new WeakMap<Delivery, Entry>();

function remembered(entry: Entry, mayRepeat = false): Delivery {
  const delivery = deliveryFrom(entry, mayRepeat);
  entries.set(delivery, entry);
  return delivery;
}

/** Milliseconds: far more than any of it takes, and less than what a sink waits for by itself. */
const patience = 20_000;

/** What the signal ends may take a little: much less than what the sink would wait for without it. */
const soonWithin = 5_000;

function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} hangs`)), soonWithin);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Files, sockets and pipes of this process, and timers that keep it from its end. */
function resources(): number {
  return (
    readdirSync('/proc/self/fd').length + process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  );
}

function endingOf(outcome: Outcome): Ending {
  if (outcome.status === 'retry' && outcome.away) return 'away';
  return outcome.status === 'dead' && outcome.refused !== undefined ? 'refused' : outcome.status;
}

function countsOf(ids: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}
