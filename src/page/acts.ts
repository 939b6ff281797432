import { randomUUID } from 'node:crypto';
import { reasonOf } from '../common/errors.ts';
import { timeBefore } from '../common/text/times.ts';
import type { ActSelection, OperatorAct, OperatorStore } from '../journal/operator-store.ts';
import type { Visitor } from './access.ts';
import { choiceIn, confirmView, type FailureAct, filterOf, listHref, notificationHref } from './failures.ts';
import { html, nothing } from './html.ts';
import { count, facts, time, type View } from './layout.ts';
import { routeHref } from './now.ts';
import { fieldsIn } from './requests.ts';
import { replayView } from './route.ts';
import type { PageSource } from './source.ts';

/** What was asked for can't be done, whatever the daemon does; the message says why, for whoever has asked. */
export class WrongForm extends Error {
  override readonly name = 'WrongForm';
}

/** Who acts, and from where. */
interface Actor extends Visitor {
  readonly from: string;
}

/** Large acts take a while: their page shows how far they are. */
interface Running {
  readonly title: string;
  readonly at: number;
  readonly back: string;
  readonly total: number;
  done: number;
  /** What is wrong, where it ended so. */
  problem: string | null;
  isOver: boolean;
}

/** Acts that are remembered, so that their results can be looked at. */
const mostKept = 50;

/** Records that are read at a time. */
const portion = 1_000;

/** So many are counted of a replay before it is confirmed; and replayed in one act. */
const mostCounted = 100_000;

/** What operators do on the page. Each act goes on by itself; who began it is led to its page. */
export class Acts {
  readonly #source: PageSource;
  readonly #acts = new Map<string, Running>();
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
    const filter = filterOf(choice);
    const total = await this.#withStore(async (store) =>
      (await store.groups(filter)).reduce((sum, group) => sum + group.count, 0),
    );
    if (form.get('confirmed') !== 'yes') return confirmView(act, choice, total);
    const { state, id, ...rest } = choice;
    const selection: ActSelection = {
      ...(rest.route !== undefined && { route: rest.route }),
      ...(rest.event !== undefined && { event: rest.event }),
      states: filter.states,
      ...(id !== undefined && { ids: [id] }),
    };
    if (act === 'one') return this.#tryOne(choice, selection, actor);
    const title = act === 'retry' ? 'Retry' : 'Drop';
    return this.#begin(
      { title, back: listHref(choice), total: act === 'retry' || act === 'drop' ? total : 1 },
      actor,
      selection,
      async (todo, store, tell) => {
        for (let after = 0; !this.#closing.signal.aborted; ) {
          const records = await store.records(filter, after, portion);
          const last = records.at(-1);
          if (last === undefined) return;
          after = last.number;
          if (act === 'drop') tell(await todo.drop(records));
          else tell(state === 'waiting' ? await todo.hasten(records) : await todo.retry(records));
        }
      },
    );
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
      { title: 'Replay', back: routeHref(route), total: 0 },
      actor,
      { route, ...span },
      async (todo, store, tell) => {
        for await (const entries of this.#source.replayable(store, route, span)) {
          if (this.#closing.signal.aborted) return;
          tell(await todo.replay(route, entries));
        }
      },
    );
  }

  /** How far an act is, or how it ended; null where nobody knows of it any more. */
  view(id: string): View | null {
    const act = this.#acts.get(id);
    if (act === undefined) return null;
    const { title, at, back, total, done, problem, isOver } = act;
    const state =
      problem !== null
        ? html`<p class="bad">${problem}</p>`
        : isOver
          ? html`<p class="good">Done.</p>`
          : html`<p>It goes on; this page follows it.</p>`;
    return {
      title,
      live: !isOver,
      body: html`<h1>${title}</h1>${state}
${total > 0 && !isOver ? html`<progress max="${total}" value="${done}" aria-label="How far it is"></progress>` : nothing}
${facts([
  ['Changed', `${count(done)}${total > 0 ? ` of ${count(total)}` : ''}`],
  ['Begun', time(at)],
])}
<p><a href="${back}">What is left</a> · <a href="/audit">Audit</a></p>`,
    };
  }

  /** The oldest of a choice alone; its own page shows what becomes of it. */
  async #tryOne(
    choice: Parameters<typeof filterOf>[0],
    selection: ActSelection,
    { name, from }: Actor,
  ): Promise<string> {
    const id = await this.#withStore(async (store) => {
      const records = await store.records(filterOf(choice), 0, 1);
      const todo = store.act({ who: name, from }, { ...selection, ids: records.map((record) => record.id) });
      await (choice.state === 'waiting' ? todo.hasten(records) : todo.retry(records));
      await store.askForProbe?.(choice.route ?? null);
      return records[0]?.id;
    });
    this.#source.look();
    this.#source.probe(choice.route);
    return id === undefined ? listHref(choice) : notificationHref(id);
  }

  async #begin(
    about: Pick<Running, 'title' | 'back' | 'total'>,
    { name, from }: Actor,
    selection: ActSelection,
    work: (act: OperatorAct, store: OperatorStore, tell: (changed: number) => void) => Promise<void>,
  ): Promise<string> {
    const running: Running = { ...about, at: Date.now(), done: 0, problem: null, isOver: false };
    const id = randomUUID();
    for (const oldest of this.#acts.keys()) if (this.#acts.size >= mostKept) this.#acts.delete(oldest);
    this.#acts.set(id, running);
    void this.#withStore(async (store) => {
      await work(store.act({ who: name, from }, selection), store, (changed) => {
        running.done += changed;
      });
      await store.askForProbe?.(selection.route ?? null);
    })
      .catch((error) => {
        running.problem = reasonOf(error);
      })
      .finally(() => {
        running.isOver = true;
        this.#source.look();
        this.#source.probe(selection.route);
      });
    return `/acts/${id}`;
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
