import type { AuditedAct } from '../journal/operator-store.ts';
import type { Drift } from '../journal/reader.ts';
import { notificationHref } from './failures.ts';
import { type Html, html, nothing } from './html.ts';
import { jsonLine } from './json-text.ts';
import { ago, block, count, facts, href, table, time, type View } from './layout.ts';
import { routeHref } from './now.ts';
import type { PageConfiguration, PageEvent } from './source.ts';

/** @param came by event, since the daemon's start @param delivered the same of the last thirty days, by all daemons and routes */
export function eventsView(
  events: readonly PageEvent[],
  came: ReadonlyMap<string, number>,
  delivered: ReadonlyMap<string, number>,
  drift: readonly Drift[],
): View {
  const row = ({ name, category, description }: PageEvent) => [
    eventLink(name),
    category,
    description,
    count(came.get(name) ?? 0),
    count(delivered.get(name) ?? 0),
  ];
  return {
    title: 'Events',
    body: html`<h1>Events</h1>
<h2>Drift</h2>
<p class="dim">What of the notifications that came fits no schema: KAZOO may have changed.</p>
${drift.length === 0 ? html`<p class="good">Nothing.</p>` : driftTable(drift)}
<h2>The catalogue</h2>
${table('Events', ['Event', 'Category', 'What it tells', ['Came, since the start', 'number'], ['Delivered, 30 days', 'number']], events.map(row))}
<p>${count(came.get('unknown') ?? 0)} more came that the catalogue doesn't know.</p>`,
  };
}

function eventLink(name: string): Html {
  return html`<a href="/events/${encodeURIComponent(name)}">${name}</a>`;
}

function driftTable(drift: readonly Drift[]): Html {
  return table(
    'Drift',
    ['Event', 'Path', 'What', ['Count', 'number'], 'First', 'Last', 'Example'],
    drift
      .slice(0, 500)
      .map(({ event, path, keyword, count: number, first, last, example }) => [
        event,
        html`<code>${path || 'body'}</code>`,
        keyword,
        count(number),
        ago(first),
        ago(last),
        html`<a href="${notificationHref(example)}">example</a>`,
      ]),
  );
}

export function eventView(
  { name, category, description, fields, schema, example, routingKey }: PageEvent,
  drift: readonly Drift[],
): View {
  const own = drift.filter(({ event }) => event === name);
  const rows = fields.map((field) => [
    html`<code>${field.name}</code>`,
    field.type,
    field.required ? 'yes' : 'no',
    field.description,
  ]);
  return {
    title: name,
    body: html`<h1>${name}</h1>
<p>${description}</p>
${facts([
  ['Category', category],
  ['Routing key', html`<code>${routingKey}</code>`],
  ['Received', html`<a href="${href('/notifications', { event: name })}">the newest</a>`],
])}
${own.length === 0 ? nothing : html`<h2>Drift</h2>${driftTable(own)}`}
<h2>Fields</h2>
${table('Fields', ['Field', 'Type', 'Always', 'What it is'], rows)}
<h2>Example</h2>${block('Example', jsonLine(JSON.stringify(example)))}
<details><summary>Schema</summary>${block('Schema', jsonLine(JSON.stringify(schema)))}</details>`,
  };
}

export function configurationView({ file, text, warnings, lastReload }: PageConfiguration): View {
  return {
    title: 'Configuration',
    body: html`<h1>Configuration</h1>
${facts([
  ['File', file],
  ['Last reload', lastReload === null ? 'none since the start' : time(lastReload.at)],
])}
${lastReload === null ? nothing : block('Last reload', lastReload.report)}
<h2>Warnings</h2>
${warnings.length === 0 ? html`<p class="good">None.</p>` : html`<ul>${warnings.map((warning) => html`<li class="warn">${warning}</li>`)}</ul>`}
<h2>What is set</h2>
${block('What is set', text)}`,
  };
}

/** `since 05:15:23, states dead`: whatever was said but the route. */
function selectionText({ route: _, since, until, ...others }: AuditedAct['selection']): Html {
  const times = Object.entries({ since, until }).flatMap(([name, at]) =>
    at === undefined ? [] : [html`${name} ${time(at)}`],
  );
  const rest = Object.entries(others).map(
    ([name, value]) => html`${name} ${Array.isArray(value) ? value.join(' ') : value}`,
  );
  const parts = [...times, ...rest];
  return parts.length === 0 ? html`–` : html`${parts.map((part, index) => [index > 0 && ', ', part])}`;
}

export function auditView(acts: readonly AuditedAct[]): View {
  const row = ({ number, at, who, from, act, selection, count: done, progress }: AuditedAct) => [
    time(at),
    who,
    from,
    progress === null ? act : html`<a href="/acts/${number}">${act}</a>`,
    selection.route === undefined ? '–' : html`<a href="${routeHref(selection.route)}">${selection.route}</a>`,
    selectionText(selection),
    progress?.total ? `${count(done)} of ${count(progress.total)}` : count(done),
  ];
  return {
    title: 'Audit',
    live: true,
    body: html`<h1>Audit</h1>
<p class="dim">What operators have done, by commands or here, the latest first.</p>
${acts.length === 0 ? html`<p>Nothing yet.</p>` : table('Audit', ['When', 'Who', 'From', 'Act', 'Route', 'Selection', ['How many', 'number']], acts.toReversed().map(row))}`,
  };
}
