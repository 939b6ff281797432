import { formatBytes, pluralize } from '../common/text/format.ts';
import { span } from '../common/text/times.ts';
import type { EventGroups } from '../journal/operator-store.ts';
import { attentionIn, isCapped, isRefusal } from '../ops/attention.ts';
import { linksElsewhere } from '../ops/shared-needs.ts';
import {
  type BrokerStatus,
  type DaemonStatus,
  type LinkStatus,
  type RouteStatus,
  type Status,
  withoutAnswers,
} from '../ops/status.ts';
import { type Counts, charts } from './charts.ts';
import { type Html, html, nothing } from './html.ts';
import { ago, count, facts, href, table, time, type View } from './layout.ts';

/** The largest groups of records that somebody should look at, by their route; '' is what could not be decoded. */
export type Reasons = ReadonlyMap<string, EventGroups>;

/** The routes of which somebody should look at the records. */
export function routesToLookAt(status: Status): string[] {
  return attentionIn(status).needs.flatMap(({ recordsOf }) => recordsOf ?? []);
}

/** What goes on: states and counts for everybody; reasons for who is logged in. */
export function nowView(full: Status, counts: Counts | null, reasons: Reasons | null): View {
  const isLoggedIn = reasons !== null;
  const status = isLoggedIn ? full : withoutReasons(full);
  const { verdict, wellSince, needs } = attentionIn(status);
  const sentence =
    wellSince === null
      ? html`<h1 class="bad">${capital(verdict)}.</h1>`
      : html`<h1 class="good">${capital(verdict)} since ${time(wellSince)}.</h1>`;
  return {
    title: wellSince === null ? verdict : 'all is well',
    live: true,
    body: html`${sentence}
<p class="dim">As of ${time(Date.now())}.</p>
${needs.map(
  ({ what, why, kept, cure, recordsOf }) =>
    html`<section class="card"><h2 class="warn">${what}</h2>
${why === undefined ? nothing : html`<p><q>${why}</q></p>`}
${kept === undefined ? nothing : html`<p>${kept}</p>`}
${recordsOf !== undefined && isLoggedIn ? toLookAt(cure, recordsOf, reasons.get(recordsOf)) : html`<p>${withCommands(cure)}</p>`}</section>`,
)}
${needs.length > 0 && !isLoggedIn ? html`<p class="dim"><a href="/login">Log in</a> to see reasons and to act.</p>` : nothing}
<h2>Routes</h2>
${table('Routes', routeHeads, status.routes.map(routeRow))}
${words}
${status.former_routes.length === 0 ? nothing : former(status)}
${status.daemons.length === 0 ? nothing : html`<h2>Daemons</h2>${table('Daemons', daemonHeads, status.daemons.map(daemonRow))}`}
<h2>Brokers</h2>
${status.brokers === null ? html`<p>The daemon does not run.</p>` : brokersOf(status, status.brokers)}
<h2>Delivered</h2>
${charts(counts)}
<h2>Journal</h2>
${journal(status)}`,
  };
}

/** States and counts: reasons of our own may name files and servers. */
function withoutReasons(full: Status): Status {
  const { journal, brokers, daemons, routes, ...status } = withoutAnswers(full);
  const withoutReason = <T extends LinkStatus>(broker: T): T => (broker.paused ? { ...broker, reason: null } : broker);
  return {
    ...status,
    journal: { ...journal, reason: journal.reason && `the journal is in trouble; ${seeLogin}` },
    brokers: brokers?.map(withoutReason) ?? null,
    daemons: daemons.map((daemon) => ({ ...daemon, brokers: daemon.brokers?.map(withoutReason) ?? [] })),
    routes: routes.map((route) => ({ ...route, interrupted: route.interrupted && seeLogin })),
  };
}

const seeLogin = 'who is logged in sees why';

/** Why, as the records themselves say, the most frequent reasons first; and the cure, which leads to the records. */
function toLookAt(cure: string, route: string, found: EventGroups | undefined): Html {
  const byReason = Map.groupBy(found?.groups ?? [], ({ state, reason }) => `${state}: ${reason}`);
  const place = href('/failures', route === '' ? { state: 'undecodable' } : { route });
  const [before = '', command = ''] = cure.split(': ');
  return html`<ul>${[...byReason].slice(0, mostReasons).map(([reason, groups]) => {
    const number = groups.reduce((sum, group) => sum + group.count, 0);
    const events = groups.flatMap(({ event }) => event ?? []);
    return html`<li>${count(number)} ${reason}${events.length === 0 ? nothing : html` <span class="dim">(${listed(events)})</span>`}</li>`;
  })}</ul>
<p><a href="${place}">${before}</a>: <code>${command}</code></p>`;
}

const mostReasons = 3;

/** Not all of many. */
function listed(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')} and ${names.length - 2} other events`;
}

const words = html`<details><summary>What these words mean</summary>
${facts([
  ['Lag', 'has come, and the route has not looked at it yet'],
  ['Oldest', 'how long the oldest of these has been there'],
  ['Waiting', 'failed, and is tried again by itself; or comes after one that is, of the same account'],
  ['Quarantined', 'its body does not match the schema of its event: kept until an operator has looked at it'],
  ['Dead', 'given up: the sink refused it, or it failed too often. Kept until an operator retries or drops it'],
])}</details>`;

const routeHeads = [
  'Route',
  'Sink',
  'State',
  ['Delivered, last hour', 'number'],
  ['Today', 'number'],
  'Latest',
  ['Lag', 'number'],
  'Oldest',
  ['Waiting', 'number'],
  ['Quarantined', 'number'],
  ['Dead', 'number'],
] as const;

function routeRow(route: RouteStatus): (Html | string | number | null)[] {
  const { name, sink, delivered, lag, waiting, quarantined, dead } = route;
  const failures = (state: string, number: number | null) =>
    number ? html`<a href="${href('/failures', { route: name, state })}">${count(number)}</a>` : count(number);
  return [
    html`<a href="${routeHref(name)}">${name}</a>`,
    sink,
    stateOf(route),
    count(delivered?.last_hour ?? null),
    count(delivered?.today ?? null),
    ago(delivered?.latest ?? null),
    count(lag?.messages ?? null),
    lag === null || lag.messages === 0 ? '–' : span(lag.seconds * 1_000),
    failures('waiting', waiting),
    failures('quarantined', quarantined),
    failures('dead', dead),
  ];
}

export function routeHref(name: string): string {
  return `/routes/${encodeURIComponent(name)}`;
}

/** What a route does, in a word. */
export function stateOf(route: RouteStatus): Html {
  const { interrupted, paused, circuit, holder, waiting, collecting, condition_trouble, unseen } = route;
  if (interrupted) return html`<span class="bad">interrupted</span>`;
  if (paused) return html`<span class="warn">paused</span>`;
  if (circuit === null) return html`<span class="dim">${holder === null ? 'not running' : `at ${holder}`}</span>`;
  if (condition_trouble) return html`<span class="bad">condition fails</span>`;
  if (circuit.state === 'closed' && unseen) return html`<span class="warn">some failed</span>`;
  // What else waits was tried, or is behind something that was.
  if (circuit.state === 'closed' && waiting && waiting !== collecting) return html`<span class="warn">retrying</span>`;
  if (circuit.state === 'closed' && collecting) return html`<span class="good">collecting</span>`;
  const away = isRefusal(circuit.code) ? 'refused' : isCapped(circuit.code) ? 'at maxPerHour' : 'sink away';
  const states = { closed: ['good', 'delivering'], open: ['bad', away], probing: ['warn', 'probing'] } as const;
  const [kind, word] = states[circuit.state];
  return html`<span class="${kind}">${word}</span>`;
}

const daemonHeads = ['Daemon', 'State', 'For', 'Version', ['Clock ahead, ms', 'number'], 'Runs'] as const;

function daemonRow({ name, asked, lives, since, version, clock_skew, routes }: DaemonStatus): (Html | string)[] {
  return [
    name,
    html`<span class="${lives ? 'good' : 'bad'}">${lives ? (asked ? 'here' : 'running') : 'gone'}</span>`,
    span(Date.now() - Date.parse(since)),
    version,
    count(clock_skew),
    routes.join(', ') || '–',
  ];
}

const brokerHeads = [
  'Zone',
  'Broker',
  'State',
  'For',
  ['Per second', 'number'],
  ['Received', 'number'],
  'Reason',
] as const;

/** With those of other daemons, where several share the journal. */
function brokersOf({ daemons }: Status, brokers: readonly BrokerStatus[]): Html {
  const others = linksElsewhere(daemons);
  if (others.length === 0) return table('Brokers', brokerHeads, brokers.map(brokerRow));
  const here = daemons.find(({ asked }) => asked)?.name ?? 'here';
  return table(
    'Brokers',
    ['Daemon', ...brokerHeads],
    [
      ...brokers.map((broker) => [here, ...brokerRow(broker)]),
      ...others.map(({ daemon, link }) => [daemon, ...brokerRow(link)]),
    ],
  );
}

function brokerRow(link: LinkStatus & Partial<BrokerStatus>): (Html | string)[] {
  const { zone, broker, state, since, rate, received, paused, reason } = link;
  const isGood = state === 'consuming' && !paused;
  return [
    zone,
    broker,
    html`<span class="${isGood ? 'good' : 'bad'}">${paused ? 'paused' : state}</span>`,
    span(Date.now() - Date.parse(since)),
    rate?.toFixed(1) ?? '–',
    count(received ?? null),
    reason ?? '–',
  ];
}

function journal({ journal: held, version, startedAt }: Status): Html {
  const { bytes, used_bytes, max_bytes, messages, oldest, undecodable, reason } = held;
  const size = bytes === null ? '–' : `${formatBytes(used_bytes ?? bytes)} of ${formatBytes(max_bytes)}`;
  return facts([
    ['Size', size],
    ['Notifications', messages === null ? '–' : html`${count(messages)} since ${time(oldest)}`],
    [
      'Undecodable',
      undecodable ? html`<a href="${href('/failures', { state: 'undecodable' })}">${count(undecodable)}</a>` : '0',
    ],
    ...(reason === null ? [] : [['Problem', html`<span class="bad">${reason}</span>`] as const]),
    ['Daemon', html`version ${version}, ${startedAt === null ? 'not running' : html`started ${ago(startedAt)}`}`],
  ]);
}

function former({ former_routes }: Status): Html {
  const rows = former_routes.map(({ name, holder, waiting, quarantined, dead }) => [
    name,
    holder === null ? 'not running' : `at ${holder}`,
    count(waiting),
    count(quarantined),
    count(dead),
  ]);
  return html`<h2>Not in the configuration</h2>
<p class="dim">Nothing of these is delivered here. Put back under its name, a route goes on from where it was.</p>
${table('Former routes', ['Route', 'State', ['Waiting', 'number'], ['Quarantined', 'number'], ['Dead', 'number']], rows)}
<p class="dim">${pluralize(former_routes.length, 'route')}; <code>kazoo-relay forget NAME</code> removes what is left of one.</p>`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Commands of ours within a sentence stand out. */
function withCommands(text: string): Html {
  const [before = '', ...commands] = text.split(/(?=kazoo-relay [a-z])/);
  return html`${before}${commands.map((command) => {
    const end = /[;.](?:\s|$)|$/.exec(command)?.index ?? command.length;
    return html`<code>${command.slice(0, end)}</code>${command.slice(end)}`;
  })}`;
}
