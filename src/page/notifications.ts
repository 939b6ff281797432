import { pluralize } from '../common/text/format.ts';
import type { DeliveryRecord } from '../journal/operator-store.ts';
import type { Found, Outage, Resend } from '../journal/reader.ts';
import type { Entry } from '../notification/entry.ts';
import { envelopeMembers } from '../notification/envelope.ts';
import { notificationHref } from './failures.ts';
import { type Html, html, nothing } from './html.ts';
import { jsonLine } from './json-text.ts';
import { ago, block, count, facts, href, table, time, type View } from './layout.ts';
import { routeHref } from './now.ts';
import type { Fate } from './source.ts';

/** What is looked for, as the URL says it. */
export interface Wanted {
  readonly id?: string;
  readonly event?: string;
  readonly account?: string;
  readonly callId?: string;
  readonly number?: string;
  readonly since?: string;
}

export function wantedIn(query: URLSearchParams): Wanted {
  const names = ['id', 'event', 'account', 'callId', 'number', 'since'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = query.get(name)?.trim();
      return value ? [[name, value]] : [];
    }),
  );
}

/** @param found what fits; @param problem what of the search can't be understood */
export function notificationsView(
  wanted: Wanted,
  found: Found,
  outages: readonly Outage[],
  problem: string | null,
): View {
  const isSearch = Object.keys(wanted).length > 0;
  return {
    title: 'Notifications',
    live: true,
    body: html`<h1>Notifications</h1>
<form class="row" action="/notifications">
${field('id', 'Id', wanted.id)}${field('event', 'Event', wanted.event, 'voicemail_*')}${field('account', 'Account', wanted.account)}${field('number', 'Number', wanted.number)}${field('callId', 'Call id', wanted.callId)}${field('since', 'Since', wanted.since, '2h, today, 2026-11-24')}
<button>Search</button>${isSearch ? html` <a href="/notifications">The newest</a>` : nothing}</form>
${problem === null ? nothing : html`<p class="bad">${problem}</p>`}
${found.entries.length === 0 ? nothingFound(outages) : table('Notifications', heads, found.entries.map(row))}
${found.more && found.searchedTo !== null ? html`<p class="dim">Looked back to ${time(found.searchedTo)}; give a time under Since to look further.</p>` : nothing}`,
  };
}

function field(name: string, label: string, value: string | undefined, placeholder = ''): Html {
  return html`<div><label for="${name}">${label}</label><input id="${name}" name="${name}" value="${value}" placeholder="${placeholder}"></div>`;
}

const heads = ['Received', 'Event', 'Account', 'Zone', 'State', 'Id'] as const;

function row({ header, state, resendOf }: Entry): (Html | string | null)[] {
  return [
    time(header.receivedAt),
    header.event ?? html`<span class="dim">none</span>`,
    header.accountId,
    header.zone,
    state === 'valid' ? (resendOf === null ? 'valid' : 'resend') : html`<span class="bad">${state}</span>`,
    html`<a href="${notificationHref(header.id)}"><code>${header.id}</code></a>`,
  ];
}

function nothingFound(outages: readonly Outage[]): Html {
  return html`<p>Nothing fits.</p>${
    outages.length === 0
      ? html`<p class="dim">No broker was away then, as far as the journal knows.</p>`
      : html`<ul>${outages.map(({ since, until, broker, zone, reason }) => html`<li>${broker === '' ? nothing : `${broker} (zone ${zone}) was away: `}${reason}, from ${time(since)} to ${until === null ? 'now' : time(until)}</li>`)}</ul>`
  }`;
}

export interface OneNotification {
  readonly entry: Entry;
  readonly fates: readonly Fate[];
  readonly resends: readonly Resend[];
  /** Its records: they have the attempts of what isn't settled. */
  readonly records: readonly DeliveryRecord[];
}

/** The latest are enough: operators may have begun anew often. */
const mostAttempts = 50;

export function notificationView({ entry, fates, resends, records }: OneNotification): View {
  const { header, state, problems, resendOf } = entry;
  return {
    title: header.event ?? 'no event',
    live: true,
    body: html`<h1>${header.event ?? 'No event'}</h1>
${facts([
  ['Id', html`<code>${header.id}</code>`],
  ['Received', html`${time(header.receivedAt)} (${ago(header.receivedAt)})`],
  ['Published', time(header.occurredAt)],
  [
    'Account',
    header.accountId === null
      ? '–'
      : html`<a href="${href('/notifications', { account: header.accountId })}">${header.accountId}</a>`,
  ],
  ['Zone, node', [header.zone, header.node].filter(Boolean).join(', ')],
  ['Routing key', header.routingKey],
  ['State', state],
  ...(resendOf === null
    ? []
    : [['Published before as', html`<a href="${notificationHref(resendOf)}">${resendOf}</a>`] as const]),
])}
${problems.length === 0 ? nothing : html`<h2>Problems</h2><ul>${problems.map(({ path, message }) => html`<li><code>${path || 'body'}</code> ${message}</li>`)}</ul>`}
<h2>What has become of it</h2>
${table(
  'Routes',
  ['Route', 'What has become of it'],
  fates.map(({ route, text }) => [
    route === '' ? 'all routes' : html`<a href="${routeHref(route)}">${route}</a>`,
    text,
  ]),
)}
${attemptsOf(records)}
${resends.length === 0 ? nothing : html`<p>KAZOO has published it ${pluralize(resends.length, 'more time')}: ${resends.slice(0, 10).map(({ id, receivedAt }) => html`<a href="${notificationHref(id)}">${time(receivedAt)}</a> `)}</p>`}
<h2>Envelope</h2>
<p class="dim">What a sink gets that is given all of it. Under data is the body as KAZOO sent it, without its secrets.</p>
${block('Envelope', jsonLine(`{${envelopeMembers(entry)}}`))}`,
  };
}

function attemptsOf(records: readonly DeliveryRecord[]): Html {
  const rows = records
    .flatMap(({ route, attempts }) => attempts.map((attempt) => ({ route, ...attempt })))
    .sort((one, other) => one.at - other.at)
    .slice(-mostAttempts)
    .map(({ route, at, duration, outcome, code, reason }) => [
      time(at),
      html`<a href="${routeHref(route)}">${route}</a>`,
      { retry: 'failed', dead: 'given up', restart: 'begun anew' }[outcome],
      code ?? null,
      outcome === 'restart' ? '–' : `${count(duration)} ms`,
      reason,
    ]);
  if (rows.length === 0) return nothing;
  const heads = ['When', 'Route', 'Outcome', 'Code', ['Took', 'number'], 'Reason'] as const;
  return html`<h3>Attempts</h3>${table('Attempts', heads, rows)}`;
}
