import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { reasonOf } from '../common/errors.ts';
import { timeBefore } from '../common/text/times.ts';
import type { EventGroups, OperatorStore } from '../journal/operator-store.ts';
import type { countSpans } from '../journal/reader.ts';
import type { Access, Visitor } from './access.ts';
import { Acts, WrongForm } from './acts.ts';
import { type Counts, chartSince } from './charts.ts';
import { choiceIn, filterOf, groupsView, listView, pageSize } from './failures.ts';
import { type PageRequest, plain, type View } from './layout.ts';
import { LiveStreams } from './live.ts';
import { addLogin, refusal } from './login.ts';
import { notificationsView, notificationView, wantedIn } from './notifications.ts';
import { nowView, type Reasons, routesToLookAt } from './now.ts';
import { auditView, configurationView, eventsView, eventView } from './reference.ts';
import {
  elsewhere,
  formIn,
  isFromElsewhere,
  pageRequestOf,
  parameterOf,
  placeOf,
  sendView,
  sessionOf,
  visitorOf,
} from './requests.ts';
import { routeView, type Tried } from './route.ts';
import { script } from './script.ts';
import type { PageSource } from './source.ts';
import { style } from './style.ts';

/** Bytes of a form: a body that is tried may be large. */
const formLimit = 2 * 1024 * 1024;

/** Notifications on a page, and acts of the audit. */
const mostShown = 50;

/** Groups of failures on a page. */
const mostGroupsShown = 100;
const mostActs = 200;

/** Adds the page to a server, which has refused strange host names already. Returns how to end what it keeps open. */
export function addPage(server: FastifyInstance, source: PageSource, access: Access): () => void {
  const streams = new LiveStreams((listener) => source.subscribe(listener));
  const acts = new Acts(source);
  const pages = new Pages(server, source, access);

  server.get('/assets/page.css', (_request, reply) => asset(reply, 'text/css', style));
  server.get('/assets/page.js', (_request, reply) => asset(reply, 'text/javascript', script));
  server.get('/live', { exposeHeadRoute: false }, async (request, reply) => {
    if (isFromElsewhere(request))
      return reply.code(403).send({ error: 'this request comes from a page of another site' });
    // Whoever may see a page may know that it has changed.
    const session = sessionOf(request);
    const { visitor } = await visitorOf(request, access);
    const isOver = () => access.isOver(session ?? '');
    if (!streams.open(reply.raw, visitor === null ? null : isOver))
      return reply.code(503).send({ error: 'too many pages are open' });
    return reply.hijack();
  });
  addLogin(server, access, () => streams.endOld());

  pages.open('/', async ({ visitor }) => {
    const status = await source.status();
    const reasons = visitor === null ? null : await reasonsIn(pages, routesToLookAt(status));
    return nowView(status, await countsOf(source), reasons);
  });
  pages.closed('/failures', async ({ query, visitor }) => {
    const choice = choiceIn(query);
    return pages.withStore(async (store) => {
      const found = await store.eventGroups(filterOf(choice), mostGroupsShown);
      // What a reader has seen may need an operator all the same.
      if (visitor.role === 'operator' && (await hasUnseen(source, choice.route)))
        await store.looked(Date.now(), choice.route);
      const { routes } = await source.status();
      return groupsView(choice, found, routes, visitor.role === 'operator');
    });
  });
  pages.closed('/failures/list', async ({ query, visitor }) => {
    const choice = choiceIn(query);
    const place = Number(query.get('after'));
    const after = Number.isSafeInteger(place) ? place : 0;
    const records = await pages.withStore((store) => store.records(filterOf(choice), after, pageSize));
    return listView(choice, records, after, visitor.role === 'operator');
  });
  pages.closed('/notifications', ({ query }) => notifications(source, query));
  pages.closed('/notifications/:id', ({ parameter }) =>
    pages.withStore(async (store) => {
      const entry = await store.entry(parameter);
      if (entry === null) return null;
      const tell = await source.fates(store);
      const [fates, resends] = [await tell(entry), await store.resendsOf(entry.seq)];
      return notificationView({ entry, fates, resends, records: await store.recordsOf(entry.seq) });
    }),
  );
  pages.closed('/routes/:name', ({ parameter, visitor }) => routePage(source, pages, parameter, visitor, null));
  pages.closed('/events', async () => {
    const [{ drift }, days] = await Promise.all([source.reader.summary(), source.counts('day', chartSince('day'))]);
    const delivered = new Map<string, number>();
    for (const day of days) delivered.set(day.event, (delivered.get(day.event) ?? 0) + day.delivered);
    return eventsView(source.events(), source.came(), delivered, drift);
  });
  pages.closed('/events/:name', async ({ parameter }) => {
    const event = source.events().find(({ name }) => name === parameter);
    return event === undefined ? null : eventView(event, (await source.reader.summary()).drift);
  });
  pages.closed('/configuration', async () => configurationView(source.configuration()));
  pages.closed('/audit', async () => auditView(await pages.withStore((store) => store.acts(0, mostActs))));
  pages.closed('/acts/:id', async ({ parameter }) => acts.view(parameter));

  pages.act('/failures/act', (form, visitor, from) => acts.onFailures(form, { ...visitor, from }));
  const ifThere = async (route: string, act: () => Promise<Answer>) => (await source.route(route)) && act();
  pages.act('/routes/:name/act', (form, visitor, from, name) =>
    ifThere(name, () => acts.onRoute(name, form, { ...visitor, from })),
  );
  pages.act('/routes/:name/replay', (form, visitor, from, name) =>
    ifThere(name, () => acts.replay(name, form, { ...visitor, from })),
  );
  pages.form('/routes/:name/try', (form, visitor, name) =>
    routePage(source, pages, name, visitor, tried(source, name, form)),
  );

  return () => {
    streams.close();
    acts.close();
  };
}

interface ClosedRequest extends PageRequest {
  readonly visitor: Visitor;
  /** What stands in the place of the path's parameter. */
  readonly parameter: string;
}

/** Null where there is no such page; text is where to go. */
type Answer = View | string | null;

/** Registers pages by who may see them. */
class Pages {
  readonly #server: FastifyInstance;
  readonly #source: PageSource;
  readonly #access: Access;

  constructor(server: FastifyInstance, source: PageSource, access: Access) {
    this.#server = server;
    this.#source = source;
    this.#access = access;
  }

  async withStore<T>(work: (store: OperatorStore) => Promise<T>): Promise<T> {
    const store = await this.#source.openStore();
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  /** A page that everybody may see. */
  open(path: string, view: (request: PageRequest) => Promise<View>): void {
    this.#server.get(path, async (request, reply) => {
      const asked = await pageRequestOf(request, this.#access);
      return this.#answer(reply, asked, () => view(asked));
    });
  }

  /** A page for who is logged in. */
  closed(path: string, view: (request: ClosedRequest) => Promise<Answer>): void {
    this.#server.get(path, async (request, reply) => {
      const asked = await pageRequestOf(request, this.#access);
      const { visitor } = asked;
      if (visitor === null) return sendView(reply, asked, ...refusal(this.#access, asked));
      return this.#answer(reply, asked, () => view({ ...asked, visitor, parameter: parameterOf(request) }));
    });
  }

  /** What an operator does: it is refused to all others, and to pages of other sites. */
  act(
    path: string,
    work: (form: URLSearchParams, visitor: Visitor, from: string, parameter: string) => Promise<Answer>,
  ): void {
    this.#post(
      path,
      (visitor) => visitor.role === 'operator',
      (form, { visitor, parameter }, request) => work(form, visitor, placeOf(request), parameter),
    );
  }

  /** A form that changes nothing. */
  form(path: string, view: (form: URLSearchParams, visitor: Visitor, parameter: string) => Promise<Answer>): void {
    this.#post(
      path,
      () => true,
      (form, { visitor, parameter }) => view(form, visitor, parameter),
    );
  }

  #post(
    path: string,
    isAllowed: (visitor: Visitor) => boolean,
    work: (form: URLSearchParams, asked: ClosedRequest, request: FastifyRequest) => Promise<Answer>,
  ): void {
    const admitted = new WeakMap<FastifyRequest, ClosedRequest>();
    // Before the body is read, which may be large.
    const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
      const asked = await pageRequestOf(request, this.#access);
      const { visitor } = asked;
      if (isFromElsewhere(request)) return sendView(reply, asked, elsewhere, 403);
      if (visitor === null) return sendView(reply, asked, ...refusal(this.#access, asked));
      if (!isAllowed(visitor)) return sendView(reply, asked, notAllowed, 403);
      admitted.set(request, { ...asked, visitor, parameter: parameterOf(request) });
      return undefined;
    };
    this.#server.post(path, { bodyLimit: formLimit, onRequest }, async (request, reply) => {
      const asked = admitted.get(request);
      if (asked === undefined) throw new Error('nobody has let this request in');
      return this.#answer(reply, asked, () => work(formIn(request), asked, request));
    });
  }

  async #answer(reply: FastifyReply, asked: PageRequest, work: () => Promise<Answer>): Promise<FastifyReply> {
    try {
      const answer = await work();
      if (typeof answer === 'string') return reply.redirect(answer, 303);
      return answer === null ? sendView(reply, asked, missing, 404) : sendView(reply, asked, answer);
    } catch (error) {
      if (error instanceof WrongForm) return sendView(reply, asked, plain('This can’t be done', error.message), 400);
      return sendView(reply, asked, failed(reasonOf(error), asked.visitor !== null), 500);
    }
  }
}

function asset(reply: FastifyReply, type: string, text: string): FastifyReply {
  return reply.type(`${type}; charset=utf-8`).send(text);
}

/** Null where the journal can't be asked: `status` says why. */
async function countsOf(source: PageSource, route?: string): Promise<Counts | null> {
  const of = async (per: keyof typeof countSpans) => {
    const counts = await source.counts(per, chartSince(per));
    return route === undefined ? counts : counts.filter((one) => one.route === route);
  };
  const all = Promise.all([of('minute'), of('hour'), of('day')]);
  return all.then(([minute, hour, day]) => ({ minute, hour, day })).catch(() => null);
}

/** The largest groups of what is dead, quarantined or undecodable on the first of these routes; none while they can't be read. */
async function reasonsIn(pages: Pages, routes: readonly string[]): Promise<Reasons> {
  const reasons = new Map<string, EventGroups>();
  if (routes.length === 0) return reasons;
  const read = async (store: OperatorStore) => {
    for (const route of routes.slice(0, mostExplained))
      reasons.set(route, await store.eventGroups(filterOf({ route }), mostShown));
  };
  await pages.withStore(read).catch(() => undefined);
  return reasons;
}

/** Routes whose reasons stand on the first page. */
const mostExplained = 10;

/** Whether somebody looks who has not seen all: what there is to look at may be much. */
async function hasUnseen(source: PageSource, route: string | undefined): Promise<boolean> {
  const { routes, journal } = await source.status();
  if (route === undefined && journal.unseen_undecodable) return true;
  return routes.some(({ name, unseen }) => unseen && (route ?? name) === name);
}

async function notifications(source: PageSource, query: URLSearchParams): Promise<Answer> {
  const wanted = wantedIn(query);
  const { id, event, account, callId, number, since } = wanted;
  if (id !== undefined) return `/notifications/${encodeURIComponent(id)}`;
  const at = since === undefined ? undefined : timeBefore(since, {});
  const isWrong = since !== undefined && at === undefined;
  const found = await source.reader.search({
    ...(event !== undefined && { events: [event] }),
    ...(account !== undefined && { accounts: [account] }),
    ...(callId !== undefined && { callId }),
    ...(number !== undefined && { number }),
    ...(at !== undefined && { since: at }),
    limit: mostShown,
  });
  const outages = found.entries.length > 0 ? [] : await source.reader.outages(at ?? found.searchedTo ?? 0, Date.now());
  return notificationsView(
    wanted,
    found,
    outages,
    isWrong ? 'Since must be a time, such as 2h, today or 2026-11-24T08:00.' : null,
  );
}

async function routePage(
  source: PageSource,
  pages: Pages,
  name: string,
  visitor: Visitor,
  last: Tried | null,
): Promise<Answer> {
  const route = await source.route(name);
  if (route === null) return null;
  const acts = await pages.withStore((store) => store.acts(0, mostActs));
  const replay = acts.findLast(({ act, selection }) => act === 'replay' && selection.route === name);
  const isOperator = visitor.role === 'operator';
  return routeView({
    route,
    counts: await countsOf(source, name),
    events: source.events(),
    isOperator,
    replay,
    tried: last,
  });
}

function tried(source: PageSource, route: string, form: URLSearchParams): Tried {
  const event = form.get('event') ?? '';
  const body = form.get('body') ?? '';
  const known = source.events().find(({ name }) => name === event);
  if (known === undefined) return { event, body, result: { error: 'there is no such event' } };
  const text = body.trim() === '' ? JSON.stringify(known.example) : body;
  try {
    return { event, body, result: source.trial(route, known.routingKey, Buffer.from(text)) };
  } catch (error) {
    return { event, body, result: { error: reasonOf(error) } };
  }
}

const missing = plain(
  'There is no such page',
  'What it was about may be over: retention, or an operator, may have removed it.',
);
const notAllowed = plain('Only operators may do that', 'You are logged in as a reader.');

function failed(reason: string, isLoggedIn: boolean): View {
  return plain('The daemon could not answer', isLoggedIn ? reason : 'Its log says why.');
}
