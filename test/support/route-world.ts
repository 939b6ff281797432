import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { jest } from '@jest/globals';
import pino from 'pino';
import { MemoryBudget } from '../../src/common/memory-budget.ts';
import { type Route, type RouteOptions, startRoute } from '../../src/delivery/route.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { storeAt } from '../../src/journal/open.ts';
import type { DeliveryRecord } from '../../src/journal/operator-store.ts';
import type { Order, RouteSession, Settlement } from '../../src/journal/route-session.ts';
import type { Delivery } from '../../src/notification/envelope.ts';
import { delivered, type Outcome, type Sink, SinkUnavailable } from '../../src/sinks/sink.ts';
import { openJournal, unlimited } from './journal.ts';
import { notification } from './notification.ts';
import { type Operating, operating } from './operator.ts';
import { routeOptions } from './route.ts';
import type { Action, Answer } from './route-actions.ts';
import { type Known, type OnDisk, RouteModel } from './route-model.ts';
import { sessionOf } from './sessions.ts';

/** In which order a route delivers; or as digests, whose order doesn't matter. */
export const modes = ['none', 'account', 'digest'] as const;

export type Mode = (typeof modes)[number];

/** One stay of the route in the journal, from its start to its stop. */
interface Session {
  readonly atJournal: RouteSession;
  route: Route | undefined;
  readonly mode: Mode;
  /** Another has taken its place: it changes nothing any more. */
  isLost: boolean;
}

interface InFlight {
  readonly session: Session;
  readonly batch: readonly Known[];
  end(answers: readonly Answer[]): void;
}

const lookEvery = 500;
const log = pino({ level: 'silent' });

/**
 * A real route over a real journal, with an operator beside it; sink and clock are the test's. It tells a small model
 * what happens, which complains where the route does what can't be right.
 */
export class RouteWorld {
  readonly #folder: string;
  readonly #model = new RouteModel(lookEvery);
  #inFlight: InFlight[] = [];
  #mode: Mode;
  #opened: Opened;
  #session: Session | undefined;

  static async start(mode: Mode): Promise<RouteWorld> {
    const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kazoo-relay-world-'));
    const world = new RouteWorld(mode, folder, await openedIn(folder));
    await world.#begin();
    return world;
  }

  private constructor(mode: Mode, folder: string, opened: Opened) {
    this.#mode = mode;
    this.#folder = folder;
    this.#opened = opened;
  }

  async act(action: Action): Promise<void> {
    switch (action.do) {
      case 'arrive':
        await this.#arrive(action.accounts, action.invalid);
        break;
      case 'answer':
        this.#inFlight.splice(action.which % Math.max(1, this.#inFlight.length), 1)[0]?.end(action.answers);
        break;
      case 'wait':
        await this.#wait(action.milliseconds);
        break;
      case 'jump':
        jest.setSystemTime(Date.now() + action.milliseconds);
        break;
      case 'hasten':
      case 'retry':
      case 'drop':
        await this.#decide(action.do, action.which);
        break;
      case 'pause':
        if (await this.#opened.store.pause(options.name)) this.#model.pausedAt = performance.now();
        break;
      case 'resume':
        await this.#resume();
        break;
      case 'replay':
        await this.#replay(action.which);
        break;
      case 'erase':
        await this.#erase(action.which % 2 === 0 ? 'a' : 'b');
        break;
      case 'restart':
      case 'reload':
        await this.#restart(action.do === 'reload');
        break;
      case 'crash':
        await this.#crash();
        break;
      case 'lose':
        await this.#lose();
        break;
      default:
    }
    await flushed();
    this.#model.examine(this.#onDisk());
  }

  /** A second in which the sink takes all that it gets, and no pause keeps it from any. */
  async calm(): Promise<void> {
    await this.#resume();
    for (const { end } of this.#inFlight.splice(0)) end(['delivered']);
    await this.#wait(100);
    for (const { end } of this.#inFlight.splice(0)) end(['delivered']);
    await this.#wait(900);
    this.#model.examine(this.#onDisk());
  }

  get isSettled(): boolean {
    return this.#model.unsettled(this.#onDisk()).length === 0;
  }

  /** What the route has done wrong, and what it has left. */
  async faults(): Promise<string[]> {
    const unremembered = this.#model.known.map(async (known) => {
      const logged = await this.#opened.store.deliveriesOf(known.seq);
      return this.#model.misremembered(
        known,
        logged.map(({ outcome }) => outcome),
      );
    });
    const faults = [...this.#model.complaints, ...this.#model.unsettled(this.#onDisk())];
    return [...faults, ...(await Promise.all(unremembered)).flat()];
  }

  async close(): Promise<void> {
    await this.#end();
    await this.#shut();
    rmSync(this.#folder, { recursive: true });
  }

  async #begin(): Promise<void> {
    this.#model.begins(this.#onDisk());
    const atJournal = await sessionOf(this.#opened.journal, options.name);
    const session: Session = { mode: this.#mode, atJournal, isLost: false, route: undefined };
    this.#session = session;
    const deliver: Sink['deliver'] = (batch, signal) => this.#deliver(session, batch, signal);
    const isDigest = this.#mode === 'digest';
    session.route = await startRoute(
      { ...options, order: orderOf(this.#mode), digest: isDigest ? { every: 2_000, per: 'account' } : undefined },
      {
        session: this.#watched(session),
        events: this.#opened.journal,
        memory: new MemoryBudget(16 * 1024 * 1024),
        log,
        openSink: async () => ({ deliver, deliverDigest: deliver, close: async () => undefined }),
      },
    );
  }

  /** What the route has with the sink is cut off; what it knows is saved. */
  async #end(): Promise<void> {
    await this.#session?.route?.stop(AbortSignal.abort());
    await this.#session?.atJournal.close();
  }

  /** The model hears what the route tells the journal; once the session is lost, the journal hears nothing any more. */
  #watched(session: Session): RouteSession {
    return new Proxy(session.atJournal, {
      get: (atJournal, name: keyof RouteSession) => {
        const member = atJournal[name];
        if (typeof member !== 'function') return member;
        if (session.isLost) return () => Promise.reject(new Error('the session is lost'));
        if (name !== 'settle') return member.bind(atJournal);
        return (settlement: Settlement) => {
          this.#model.settled(settlement);
          return atJournal.settle(settlement);
        };
      },
    });
  }

  #deliver(session: Session, deliveries: readonly Delivery[], signal: AbortSignal): Promise<Outcome[]> {
    const batch = deliveries.flatMap(({ header: { id } }) => this.#model.withId(id) ?? []);
    for (const { header, mayRepeat } of deliveries) this.#model.isGiven(header.id, mayRepeat);
    const revivedAt = batch.map((known) => known.revivedAt);
    const others = this.#inFlight.filter((one) => one.session === session).flatMap((one) => one.batch);
    // What a session had with the sink when it ended may still come by here: it is called back already.
    for (const [index, known] of signal.aborted ? [] : batch.entries())
      this.#model.goesOut(known, orderOf(session.mode), [...others, ...batch.slice(0, index)]);
    if (session.mode === 'digest') this.#model.goTogether(batch);
    const { promise, resolve, reject } = Promise.withResolvers<Outcome[]>();
    const one: InFlight = {
      session,
      batch,
      end: (answers) => {
        const given = batch.map(
          (_, index) => answers[session.mode === 'digest' ? 0 : index % answers.length] ?? 'delivered',
        );
        if (given.includes('throw')) {
          for (const known of batch) known.halved = batch.length > 1;
          return reject(new TypeError('a bug'));
        }
        if (given.includes('unavailable')) return reject(new SinkUnavailable('away'));
        for (const [index, known] of batch.entries())
          if (given[index] === 'delivered') this.#model.delivered(known, revivedAt[index]);
        resolve(given.map(outcomeOf));
      },
    };
    if (!signal.aborted) this.#inFlight.push(one);
    signal.addEventListener('abort', () => {
      this.#inFlight = this.#inFlight.filter((other) => other !== one);
    });
    return promise;
  }

  async #arrive(wanted: readonly (string | null)[], invalid: boolean): Promise<void> {
    const problems = [{ path: '/a', message: 'must be b', keyword: 'const' }];
    const batch = wanted.map((accountId, index) =>
      notification({
        accountId,
        receivedAt: Date.now(),
        ...(invalid && index === 0 && { state: 'invalid', problems }),
      }),
    );
    for (const one of batch) this.#model.arrived(one);
    await this.#opened.journal.append(batch);
  }

  /** In steps, so that whoever is woken does its work at its own time. */
  async #wait(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 250) {
      jest.advanceTimersByTime(Math.min(left, 250));
      await flushed();
    }
  }

  async #decide(what: 'hasten' | 'retry' | 'drop', number: number): Promise<void> {
    const states: DeliveryRecord['state'][] = what === 'hasten' ? ['waiting'] : ['waiting', 'dead', 'quarantined'];
    const records = await this.#opened.store.records({ states }, 0, 100);
    const record = records[number % Math.max(1, records.length)];
    const known = this.#model.at(record?.seq ?? 0);
    if (record === undefined || known === undefined || (await this.#opened.store[what]([record])) === 0) return;
    if (what === 'retry') this.#model.revived(known);
    if (what === 'drop') this.#model.dropped(known);
  }

  async #resume(): Promise<void> {
    await this.#opened.store.resume(options.name);
    this.#model.pausedAt = Number.POSITIVE_INFINITY;
  }

  /** As the command does it: what the route still comes to by itself isn't replayed. */
  async #replay(number: number): Promise<void> {
    await this.#wait(120);
    const known = this.#model.at(1 + (number % Math.max(1, this.#model.last)));
    const cursor = await this.#opened.store.cursorOf(options.name);
    if (known === undefined || cursor === null) return;
    const passed = await this.#opened.store.passedAmong(options.name, cursor, [known.seq]);
    const entry = await this.#opened.store.entryAt(known.seq);
    if (!passed.has(known.seq) || entry === null || (await this.#opened.store.replay(options.name, [entry])) === 0)
      return;
    this.#model.revived(known);
  }

  async #erase(account: string): Promise<void> {
    await this.#opened.store.erase(account, false);
    this.#model.erased(account);
  }

  /** A clean stop of the route, and its next start; another order, or digests, are what a reload may bring. */
  async #restart(isReload: boolean): Promise<void> {
    await this.#end();
    if (isReload) this.#mode = modes[(modes.indexOf(this.#mode) + 1) % modes.length] ?? 'none';
    else {
      await this.#shut();
      this.#opened = await openedIn(this.#folder);
    }
    await this.#begin();
  }

  /** What is in memory is gone; what is on disk stays. */
  async #crash(): Promise<void> {
    const files = ['journal.sqlite', 'journal.sqlite-wal'].map((name) => join(this.#folder, name)).filter(existsSync);
    const left = files.map((file) => [file, readFileSync(file)] as const);
    await this.#end();
    await this.#shut();
    for (const [file, bytes] of left) writeFileSync(file, bytes);
    this.#opened = await openedIn(this.#folder);
    await this.#begin();
  }

  /** What the route knows and hasn't told yet is told no more, and another session begins. */
  async #lose(): Promise<void> {
    if (this.#session !== undefined) this.#session.isLost = true;
    await this.#end();
    await this.#begin();
  }

  #onDisk(): OnDisk {
    const [cursor, lines, handled] = this.#opened.queries.map((query) => query.all()) as [Row[], Row[], Row[]]; // one for each
    return {
      cursor: Number(cursor[0]?.cursor ?? 0),
      lines: new Map(lines.map(({ seq, state }) => [Number(seq), String(state)])),
      handled: new Set(handled.map(({ seq }) => Number(seq))),
    };
  }

  async #shut(): Promise<void> {
    const { disk, store, journal } = this.#opened;
    disk.close();
    await store.close();
    await journal.close();
  }
}

interface Opened {
  readonly journal: Journal;
  readonly store: Operating;
  readonly disk: DatabaseSync;
  /** Of cursor, lines and what else is handled beyond the cursor. */
  readonly queries: readonly StatementSync[];
}

async function openedIn(folder: string): Promise<Opened> {
  const journal = await openJournal(folder, log, unlimited, { lookEvery });
  const store = operating(await storeAt({ path: folder }).openOperatorStore());
  const disk = new DatabaseSync(join(folder, 'journal.sqlite'), { readOnly: true });
  return { journal, store, disk, queries: queriesOf(disk) };
}

type Row = Record<string, unknown>;

function queriesOf(disk: DatabaseSync): StatementSync[] {
  return [
    'SELECT cursor FROM routes',
    "SELECT seq, state FROM deliveries WHERE route <> ''",
    'SELECT seq FROM dropped UNION SELECT value FROM settled_ahead, json_each(seqs)',
  ].map((sql) => disk.prepare(sql));
}

/** All that is under way goes on by itself, with a turn of the event loop for each read of the disk. */
async function flushed(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
}

function orderOf(mode: Mode): Order {
  return mode === 'account' ? 'account' : 'none';
}

function outcomeOf(given: Answer): Outcome {
  if (given === 'delivered') return delivered;
  return given === 'dead'
    ? { status: 'dead', reason: given }
    : { status: 'retry', reason: given, away: given === 'away' };
}

const options: RouteOptions = {
  ...routeOptions,
  retry: { schedule: [1_000, 3_000, 500], maxWait: 0 },
  circuit: { failures: 3, maxPause: 2_000 },
  timeout: 3_600_000,
  flow: { batch: { max: 2, linger: 0 }, concurrency: 3 },
};
