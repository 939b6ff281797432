import { fullTime, shortTime, span } from '../common/text/times.ts';
import type { Visitor } from './access.ts';
import { type Html, html, nothing } from './html.ts';

/** A request for a page. */
export interface PageRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  /** Null where nobody is logged in. */
  readonly visitor: Visitor | null;
  /** Whether that can't be told, because the journal is away that has the sessions. */
  readonly isAway: boolean;
}

/** What a view gives. */
export interface View {
  readonly title: string;
  readonly body: Html;
  /** Whether the page reads itself again as things change. */
  readonly live?: boolean;
}

const places = [
  ['/', 'Now'],
  ['/failures', 'Failures'],
  ['/notifications', 'Notifications'],
  ['/events', 'Events'],
  ['/configuration', 'Configuration'],
  ['/audit', 'Audit'],
] as const;

/** A whole page, as text. */
export function layout({ title, body, live = false }: View, { path, visitor, isAway }: PageRequest): string {
  const isHere = (place: string) => (place === '/' ? path === '/' : path.startsWith(place));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title} – kazoo-relay</title>
<link rel="stylesheet" href="/assets/page.css">
<script src="/assets/page.js" defer></script>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header>
<strong>kazoo-relay</strong>
<nav aria-label="Pages">${places.map(
    ([place, name]) => html`<a href="${place}"${isHere(place) ? html` aria-current="page"` : nothing}>${name}</a> `,
  )}</nav>
<div class="who">${who(visitor, isAway)}</div>
</header>
<main id="main"${live ? html` data-live` : nothing}>
${body}
</main>
</body>
</html>
`.text;
}

function who(visitor: Visitor | null, isAway: boolean): Html {
  if (isAway) return html`no login: the journal is away`;
  if (visitor === null) return html`<a href="/login">Log in</a>`;
  return html`<form method="post" action="/logout">${visitor.name} (${visitor.role}) <button>Log out</button></form>`;
}

/** A page that says one thing. */
export function plain(title: string, text: string): View {
  return { title, body: html`<h1>${title}</h1><p>${text}</p><p><a href="/">Now</a></p>` };
}

/** A table that scrolls by itself where it is wider than the window; on a phone, each cell says its column's name instead. */
export function table(
  caption: string,
  heads: readonly (string | readonly [name: string, kind: 'number'])[],
  rows: readonly (readonly (Html | string | number | null)[])[],
): Html {
  const columns = heads.map((head) =>
    typeof head === 'string' ? { name: head, kind: nothing } : { name: head[0], kind: html` class="number"` },
  );
  // A style sheet may take away what a browser tells of a table by itself: hence the roles.
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table role="table">
<thead role="rowgroup"><tr role="row">${columns.map(({ name, kind }) => html`<th scope="col" role="columnheader"${kind}>${name}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map(
    (row) =>
      html`<tr role="row">${columns.map(({ name, kind }, index) => html`<td role="cell"${kind} data-name="${name}">${row[index]}</td>`)}</tr>\n`,
  )}</tbody></table></div>`;
}

/** A long text as it was written, which scrolls by itself. */
export function block(label: string, text: string): Html {
  return html`<pre tabindex="0" role="region" aria-label="${label}">${text}</pre>`;
}

/** Names and what they mean. */
export function facts(rows: readonly (readonly [name: string, value: Html | string | number | null])[]): Html {
  return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value ?? '–'}</dd>`)}</dl>`;
}

/** A time as people of the daemon's time zone say it; the whole of it where the pointer rests. */
export function time(at: number | string | null): Html {
  if (at === null) return html`–`;
  const millis = typeof at === 'string' ? Date.parse(at) : at;
  return html`<time datetime="${fullTime(millis, { utc: true })}" title="${fullTime(millis, {})}">${shortTime(millis, {})}</time>`;
}

/** `12 min ago`. */
export function ago(at: number | string | null): Html {
  if (at === null) return html`–`;
  const millis = typeof at === 'string' ? Date.parse(at) : at;
  return html`<time datetime="${fullTime(millis, { utc: true })}" title="${fullTime(millis, {})}">${span(Date.now() - millis)} ago</time>`;
}

/** With thousands apart. */
export function count(number: number | null): string {
  return number === null ? '–' : number.toLocaleString('en').replaceAll(',', '\u202f');
}

/** A link to a page with these parts of its query; what is undefined is left out. */
export function href(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== '') parts.set(key, String(value));
  return parts.size === 0 ? path : `${path}?${parts}`;
}

/** What a form carries along unseen. */
export function hidden(values: Readonly<Record<string, string | number | undefined>>): Html[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [html`<input type="hidden" name="${name}" value="${value}">`],
  );
}
