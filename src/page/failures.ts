import { pluralize } from '../common/text/format.ts';
import { span } from '../common/text/times.ts';
import type { DeliveryFilter, DeliveryRecord, EventGroup, EventGroups } from '../journal/operator-store.ts';
import { triesIn } from '../journal/route-session.ts';
import type { RouteStatus } from '../ops/status.ts';
import { type Html, html, nothing } from './html.ts';
import { ago, count, hidden, href, table, time, type View } from './layout.ts';
import { routeHref } from './now.ts';

export const failureStates = ['dead', 'quarantined', 'waiting', 'undecodable'] as const;
type FailureState = (typeof failureStates)[number];

/** Which failures are meant, as the URL and the forms say it. */
export interface FailureChoice {
  readonly route?: string;
  readonly state?: FailureState;
  readonly reason?: string;
  readonly event?: string;
  readonly id?: string;
}

export function choiceIn(values: URLSearchParams): FailureChoice {
  const of = (name: string) => values.get(name) || undefined;
  const [route, reason, event, id] = [of('route'), of('reason'), of('event'), of('id')];
  const state = failureStates.find((one) => one === of('state'));
  return {
    ...(route !== undefined && { route }),
    ...(state !== undefined && { state }),
    ...(reason !== undefined && { reason }),
    ...(event !== undefined && { event }),
    ...(id !== undefined && { id }),
  };
}

/** A choice as a form carries it: in ASCII, so that what a receiver has answered comes back as it was. */
function carried(choice: FailureChoice): string {
  return new URLSearchParams({ ...choice }).toString();
}

export function filterOf({ route, state, reason, event, id }: FailureChoice): DeliveryFilter {
  return {
    states: state === undefined ? ['dead', 'quarantined', 'undecodable'] : [state],
    ...(route !== undefined && { route }),
    ...(reason !== undefined && { reason }),
    ...(event !== undefined && { event }),
    ...(id !== undefined && { ids: [id] }),
  };
}

/** What an act changes of a choice: what can't be decoded can't be tried again. */
export function actFilterOf(act: FailureAct, choice: FailureChoice): DeliveryFilter {
  const filter = filterOf(choice);
  return act === 'drop' || choice.state !== undefined ? filter : { ...filter, states: ['dead', 'quarantined'] };
}

/** Groups of failures: what the page shows at first. */
export function groupsView(
  choice: FailureChoice,
  found: EventGroups,
  routes: readonly RouteStatus[],
  isOperator: boolean,
): View {
  const { groups, fitting, count: total, isMore } = found;
  const isPart = fitting > groups.length;
  return {
    title: 'Failures',
    live: true,
    body: html`<h1>Failures</h1>
${filterForm(choice)}
${
  total === 0
    ? html`<p class="good">Nothing of that is ${stateWords(choice)}.</p>`
    : html`<p>${isMore ? 'More than ' : ''}${count(total)} in ${pluralize(fitting, 'group')}, by route, reason and event.${isPart ? ` The ${groups.length} largest${isMore ? ' of those that were looked at' : ''} are shown.` : ''}</p>`
}
${choice.state === undefined ? waitingText(choice, routes) : nothing}
${isOperator && fitting > 1 ? html`<div class="acts">All of them: ${actForms(choice, choice.state ?? 'dead')}</div>` : nothing}
${groups.map((group) => groupCard(group, choice, routes, isOperator))}`,
  };
}

/** What is tried again by itself stands on a page of its own. */
function waitingText({ route, event }: FailureChoice, routes: readonly RouteStatus[]): Html {
  const meant = routes.filter(({ name }) => (route ?? name) === name);
  const waiting = meant.reduce((sum, one) => sum + (one.waiting ?? 0), 0);
  // Of one event nobody counts them here.
  if (waiting === 0 || event !== undefined) return nothing;
  return html`<p><a href="${href('/failures', { route, state: 'waiting' })}">${count(waiting)} more wait for their next try</a>.</p>`;
}

/** @param act retries leave out what can't be decoded */
function stateWords({ state }: FailureChoice, act?: FailureAct): string {
  return state ?? (act === 'retry' || act === 'one' ? 'dead or quarantined' : 'dead, quarantined or undecodable');
}

function filterForm(choice: FailureChoice): Html {
  const option = (value: string, name: string) =>
    html`<option value="${value}"${(choice.state ?? '') === value ? html` selected` : nothing}>${name}</option>`;
  return html`<form class="row" action="/failures">
<div><label for="state">State</label><select id="state" name="state">${option('', 'dead, quarantined or undecodable')}${failureStates.map((state) => option(state, state))}</select></div>
<div><label for="route">Route</label><input id="route" name="route" value="${choice.route}"></div>
<div><label for="event">Event</label><input id="event" name="event" value="${choice.event}"></div>
<button>Show</button></form>`;
}

function groupCard(
  group: EventGroup,
  choice: FailureChoice,
  routes: readonly RouteStatus[],
  isOperator: boolean,
): Html {
  const { route, state, reason, event, first, last, example } = group;
  const own = { ...choice, state, reason, ...(route && { route }), ...(event !== null && { event }) };
  return html`<section class="card">
<h2>${count(group.count)} ${event === null ? nothing : `${event} `}${state}${route === '' ? nothing : html` on <a href="${routeHref(route)}">${route}</a>`}</h2>
<p>${reason}</p>
<p class="dim">First ${ago(first)}, last ${ago(last)}${example === null ? nothing : html`; <a href="${notificationHref(example)}">an example</a>`}</p>
${state === 'waiting' ? nextTry(group, routes) : nothing}
<div class="acts"><a href="${listHref(own)}">Show them</a>${isOperator ? actForms(own, state) : nothing}</div>
</section>`;
}

/** When the first of a group is tried again, or what is in the way of that. */
function nextTry({ route, nextTry: next }: EventGroup, routes: readonly RouteStatus[]): Html {
  const { paused = null, circuit = null } = routes.find(({ name }) => name === route) ?? {};
  if (paused !== null)
    return html`<p class="warn">Next try: when the route is resumed; it is paused by ${paused.by ?? 'an operator'}.</p>`;
  if (circuit?.state === 'probing')
    return html`<p class="warn">Next try: the sink is away, and is being probed now.</p>`;
  if (circuit?.state === 'open') {
    const probe =
      circuit.next_probe === null ? nothing : html`: the next one is in ${span(circuit.next_probe * 1_000)}`;
    return html`<p class="bad">Next try: the sink is away (circuit open); probes go first${probe}.</p>`;
  }
  if (next === null) return html`<p>Next try: after an earlier one of the same account.</p>`;
  const wait = next.at - Date.now();
  if (next.isLater) return html`<p>Next try: after ${time(next.at)}; others of the route come first.</p>`;
  return wait <= 0 ? html`<p>Next try: now.</p>` : html`<p>Next try: ${time(next.at)}, in ${span(wait)}.</p>`;
}

export function listHref(choice: FailureChoice): string {
  return href('/failures/list', { ...choice });
}

export function notificationHref(id: string): string {
  return `/notifications/${encodeURIComponent(id)}`;
}

/** What can be done with a choice: each asks first. */
function actForms(choice: FailureChoice, state: FailureState): Html[] {
  if (state === 'undecodable') return [form('drop', 'Drop', choice, 'danger')];
  return [
    form('retry', 'Retry', choice, 'act'),
    ...(choice.id === undefined ? [form('one', 'Try one first', choice, 'act')] : []),
    form('drop', 'Drop', choice, 'danger'),
  ];
}

function form(act: string, name: string, choice: FailureChoice, kind: string): Html {
  return html`<form method="post" action="/failures/act">${hidden({ act, choice: carried(choice) })}<button class="${kind}">${name}…</button></form>`;
}

/** So many lines a page. */
export const pageSize = 50;

/** The notifications of a choice, oldest first. @param after the place that the page begins behind */
export function listView(
  choice: FailureChoice,
  records: readonly DeliveryRecord[],
  after: number,
  isOperator: boolean,
): View {
  const last = records.at(-1);
  const heads = [
    'Notification',
    'Account',
    'Received',
    'Route',
    'State',
    'Since',
    'Next try',
    ['Tries', 'number'],
    'Reason',
    ...(isOperator ? ['Act'] : []),
  ] as const;
  const rows = records.map((record) => [
    html`<a href="${notificationHref(record.id)}">${record.event ?? 'no event'}</a>`,
    record.accountId,
    time(record.receivedAt),
    record.route === '' ? 'all' : html`<a href="${routeHref(record.route)}">${record.route}</a>`,
    record.state,
    ago(record.updatedAt),
    time(record.dueAt),
    count(triesIn(record.attempts)),
    record.reason,
    ...(isOperator
      ? [
          html`<div class="acts">${actForms({ state: record.state, id: record.id, ...(record.route && { route: record.route }) }, record.state)}</div>`,
        ]
      : []),
  ]);
  return {
    title: 'Failures',
    live: true,
    body: html`<h1>Failures</h1>
<p><a href="${href('/failures', { ...choice, reason: undefined, event: undefined })}">All groups</a></p>
${choice.reason === undefined ? nothing : html`<p>${[choice.event, choice.reason].filter(Boolean).join(': ')}</p>`}
${records.length === 0 ? html`<p class="good">Nothing of that is left.</p>` : table('Failures', heads, rows)}
<p>${after > 0 ? html`<a href="${listHref(choice)}">From the beginning</a> ` : nothing}${
      records.length === pageSize && last !== undefined
        ? html`<a href="${href('/failures/list', { ...choice, after: last.number })}">Next ${pageSize}</a>`
        : nothing
    }</p>`,
  };
}

export type FailureAct = 'retry' | 'one' | 'drop';

/** Asks before anything is done, with how much it is. */
export function confirmView(act: FailureAct, choice: FailureChoice, number: number): View {
  const verbs = { retry: 'Retry', one: 'Try one of', drop: 'Drop' } as const;
  const what = `${verbs[act]} ${count(number)} ${number === 1 ? 'delivery' : 'deliveries'}`;
  const effects = {
    retry: 'They become due now, with all their tries before them. A receiver may get some again that it has had.',
    one: 'The oldest one becomes due now. What becomes of it is shown; the others stay as they are.',
    drop: 'They are discarded for good: no route delivers them any more, and only a replay brings one back.',
  } as const;
  return {
    title: what,
    body:
      number === 0
        ? html`<h1>Nothing to do</h1><p>Nothing of that is left. <a href="/failures">Failures</a></p>`
        : html`<h1>${what}?</h1>
${choiceFacts(choice, act)}
<p>${effects[act]}</p>
<form method="post" action="/failures/act">${hidden({ act, confirmed: 'yes', choice: carried(choice) })}<button class="${act === 'drop' ? 'danger' : 'act'}">${what}</button> <a href="${listHref(choice)}">Cancel</a></form>`,
  };
}

function choiceFacts(choice: FailureChoice, act: FailureAct): Html {
  const rows = Object.entries({
    Route: choice.route,
    State: stateWords(choice, act),
    Event: choice.event,
    Reason: choice.reason,
    Notification: choice.id,
  });
  return html`<dl>${rows.map(([name, value]) => (value === undefined ? nothing : html`<dt>${name}</dt><dd>${value}</dd>`))}</dl>`;
}
