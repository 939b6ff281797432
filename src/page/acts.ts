import { reasonOf } from '../common/errors.ts';
import { timeBefore } from '../common/text/times.ts';
import type { ActName, ActSelection, DeliveryFilter, OperatorAct, OperatorStore } from '../journal/operator-store.ts';
import type { Visitor } from './access.ts';
import { actView, triedBy } from './act-view.ts';
import {
  actFilterOf,
  choiceIn,
  confirmView,
  type FailureAct,
  type FailureChoice,
  filterOf,
  listHref,
  notificationHref,
} from './failures.ts';
import type { View } from './layout.ts';
import { routeHref } from './now.ts';
import { fieldsIn } from './requests.ts';
import { replayView } from './route.ts';
import type { PageSource } from './source.ts';

/** What was asked for can't be done, whatever the daemon does; the message says why, for whoever has asked. */
export class WrongForm extends Error {
  override readonly name = 'WrongForm';
}

/** What an act does: first it is counted, then done. */
interface Steps {
  readonly count: (store: OperatorStore) => Promise<number>;
  readonly work: (todo: OperatorAct, store: OperatorStore) => Promise<void>;
}

/** Who acts, and from where. */
interface Actor extends Visitor {
  readonly from: string;
}

/** Records that are read at a time. */
const portion = 1_000;

/** So many are counted of a replay before it is confirmed. */
const mostCounted = 100_000;

/**
 * What operators do on the page. Each act goes on by itself; who began it is led to its page. How far it is stands in the
 * audit, so that every daemon of the journal shows it.
 */
export class Acts {
  readonly #source: PageSource;
  /** Those that go on here. */
  readonly #running = new Set<number>();
  readonly #closing = new AbortController();

  constructor(source: PageSource) {
    this.#source = source;
  }

  close(): void {
    this.#closing.abort();
  }

  /** Asks first, and then retries or drops what is chosen. */
  async onFailures(form: URLSearchParams, actor: Actor): Promise<View | string> {
    const act = actIn(form.get('act'));
    const choice = choiceIn(fieldsIn(form.get('choice') ?? ''));
    const filter = actFilterOf(act, choice);
    const total = await this.#withStore((store) => store.count(filter));
    if (form.get('confirmed') !== 'yes') return confirmView(act, choice, total);
    const { state: _state, id, reason: _reason, ...rest } = choice;
    const selection: ActSelection = {
      ...rest,
      states: filter.states,
      ...(id !== undefined && { ids: [id] }),
    };
    if (act === 'one') return this.#tryOne(choice, filter, selection, actor);
    const work = async (todo: OperatorAct, store: OperatorStore) => {
      for (let after = 0; !this.#closing.signal.aborted; ) {
        const records = await store.records(filter, after, portion);
        const last = records.at(-1);
        if (last === undefined) return;
        after = last.number;
        if (act === 'drop') await todo.drop(records);
        else await (choice.state === 'waiting' ? todo.hasten(records) : todo.retry(records));
      }
    };
    return this.#begin(act, actor, selection, { count: async () => total, work });
  }

  /** Pauses a route, resumes it, or probes its sink. */
  async onRoute(route: string, form: URLSearchParams, actor: Actor): Promise<string> {
    await this.#withStore(async (store) => {
      const todo = store.act({ who: actor.name, from: actor.from }, { route });
      const act = form.get('act');
      if (act === 'pause') await todo.pause(route);
      else if (act === 'resume') await todo.resume(route);
      else if (act === 'probe') {
        await todo.probed(1);
        await store.askForProbe?.(route);
        this.#source.probe(route);
      } else throw new WrongForm('there is no such act');
    });
    this.#source.look();
    return routeHref(route);
  }

  /** Asks first, with how many it is, and then replays what a route wants of a span of time. */
  async replay(route: string, form: URLSearchParams, actor: Actor): Promise<View | string> {
    const [from = '', to = ''] = [form.get('since') ?? '', form.get('until') ?? ''];
    const since = timeBefore(from, {});
    const until = to === '' ? Date.now() : timeBefore(to, {});
    if (since === undefined || until === undefined)
      throw new WrongForm('say from when on: 2h, yesterday, or 2026-11-24T08:00');
    const span = { since, until };
    if (form.get('confirmed') !== 'yes') {
      const found = await this.#withStore(async (store) => {
        let number = 0;
        for await (const entries of this.#source.replayable(store, route, span)) {
          number += entries.length;
          if (number >= mostCounted) return { number, isMore: true };
        }
        return { number, isMore: false };
      });
      return replayView(
        route,
        { since: new Date(since).toISOString(), until: new Date(until).toISOString() },
        found.number,
        found.isMore,
      );
    }
    return this.#begin(
      'replay',
      actor,
      { route, ...span },
      {
        count: async (store) => {
          let number = 0;
          for await (const entries of this.#source.replayable(store, route, span)) {
            if (this.#closing.signal.aborted) break;
            number += entries.length;
          }
          return number;
        },
        work: async (todo, store) => {
          for await (const entries of this.#source.replayable(store, route, span)) {
            if (this.#closing.signal.aborted) return;
            await todo.replay(route, entries);
          }
        },
      },
    );
  }

  /** How far an act is, or how it ended; null where there is none of that number. */
  view(id: string): Promise<View | null> {
    return this.#withStore(async (store) => {
      const act = /^\d{1,15}$/.test(id) ? await store.actAt(Number(id)) : null;
      if (act === null) return null;
      const about = triedBy(act);
      const countOf = (state: 'waiting' | 'dead' | 'quarantined') => store.count(filterOf({ ...about, state }));
      const left = about && {
        waiting: await countOf('waiting'),
        dead: await countOf('dead'),
        quarantined: await countOf('quarantined'),
      };
      return actView(act, this.#running.has(act.number), left);
    });
  }

  /** The oldest of a choice alone; its own page shows what becomes of it. */
  async #tryOne(
    choice: FailureChoice,
    filter: DeliveryFilter,
    selection: ActSelection,
    { name, from }: Actor,
  ): Promise<string> {
    const id = await this.#withStore(async (store) => {
      const records = await store.records(filter, 0, 1);
      const todo = store.act({ who: name, from }, { ...selection, ids: records.map((record) => record.id) });
      await (choice.state === 'waiting' ? todo.hasten(records) : todo.retry(records));
      await store.askForProbe?.(choice.route ?? null);
      return records[0]?.id;
    });
    this.#source.look();
    this.#source.probe(choice.route);
    return id === undefined ? listHref(choice) : notificationHref(id);
  }

  /** Returns the page of an act, which goes on. */
  async #begin(kind: ActName, { name, from }: Actor, selection: ActSelection, steps: Steps): Promise<string> {
    const store = await this.#source.openStore();
    try {
      const todo = store.act({ who: name, from }, selection);
      const number = await todo.begin(kind);
      this.#running.add(number);
      void this.#goOn(todo, store, selection, steps).finally(() => this.#running.delete(number));
      return `/acts/${number}`;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  async #goOn(todo: OperatorAct, store: OperatorStore, { route }: ActSelection, { count, work }: Steps): Promise<void> {
    let total: number | null = null;
    let problem: string | null = null;
    try {
      total = await count(store);
      await todo.tell({ total, isOver: false, problem });
      await work(todo, store);
      if (this.#closing.signal.aborted) problem = 'The daemon was stopped before all was done: begin it again.';
      await store.askForProbe?.(route ?? null);
    } catch (error) {
      problem = reasonOf(error);
    }
    // What can't be told any more stays as it is.
    await todo.tell({ total, isOver: true, problem }).catch(() => undefined);
    await store.close();
    this.#source.look();
    this.#source.probe(route);
  }

  async #withStore<T>(work: (store: OperatorStore) => Promise<T>): Promise<T> {
    const store = await this.#source.openStore();
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }
}

function actIn(text: string | null): FailureAct {
  const act = (['retry', 'one', 'drop'] as const).find((one) => one === text);
  if (act === undefined) throw new WrongForm('there is no such act');
  return act;
}
