import { span } from '../common/text/times.ts';
import type { AuditedAct } from '../journal/operator-store.ts';
import { actBar } from './act-view.ts';
import { type Counts, charts } from './charts.ts';
import { type Html, html, nothing } from './html.ts';
import { jsonLine } from './json-text.ts';
import { ago, block, count, facts, hidden, href, time, type View } from './layout.ts';
import { routeHref, stateOf } from './now.ts';
import type { PageEvent, PageRoute, Trial } from './source.ts';

/** What was tried on a route, and what came of it. */
export interface Tried {
  readonly event: string;
  readonly body: string;
  readonly result: Trial | { readonly error: string };
}

interface RouteParts {
  readonly route: PageRoute;
  readonly counts: Counts | null;
  readonly events: readonly PageEvent[];
  readonly isOperator: boolean;
  /** The latest of it, whoever has begun it. */
  readonly replay: AuditedAct | undefined;
  readonly tried: Tried | null;
}

export function routeView({ route, counts, events, isOperator, replay, tried }: RouteParts): View {
  const { status, text, place } = route;
  const { name, circuit, paused, interrupted, delivered, lag, waiting, quarantined, dead, in_flight } = status;
  const link = (state: string, number: number | null) =>
    number ? html`<a href="${href('/failures', { route: name, state })}">${count(number)}</a>` : count(number);
  return {
    title: name,
    live: tried === null,
    body: html`<h1>${name}: ${stateOf(status)}</h1>
${whereText(place)}
${interrupted ? html`<p class="bad">${interrupted}</p>` : nothing}
${paused ? html`<p class="warn">Paused for ${span(Date.now() - Date.parse(paused.since))} by ${paused.by ?? 'an operator'}.</p>` : nothing}
${
  circuit !== null && circuit.state !== 'closed'
    ? html`<p class="bad">The sink is away since ${time(circuit.since)}: ${circuit.reason ?? 'unknown'}${circuit.next_probe === null ? nothing : html`. Next probe in ${circuit.next_probe} s`}.</p>`
    : nothing
}
${isOperator ? acts(route) : nothing}
${facts([
  ['Delivered, last hour', count(delivered?.last_hour ?? null)],
  ['Today', count(delivered?.today ?? null)],
  ['Latest', ago(delivered?.latest ?? null)],
  ['Lag', lag === null ? '–' : `${count(lag.messages)}${lag.messages === 0 ? '' : ` (${span(lag.seconds * 1_000)})`}`],
  ['In flight', count(in_flight)],
  ['Waiting', link('waiting', waiting)],
  ['Quarantined', link('quarantined', quarantined)],
  ['Dead', link('dead', dead)],
])}
${charts(counts)}
<h2>Selection and sink</h2>
${block('Configuration', text)}
${isOperator || replay !== undefined ? html`<h2>Replay</h2>` : nothing}
${replay === undefined ? nothing : latestReplay(replay)}
${isOperator ? replayForm(name) : nothing}
<h2>Try it</h2>
<p class="dim">Shows whether the route would deliver a notification, and what its sink would get. Nothing is kept or sent.</p>
${tried === null ? nothing : trialOf(tried)}
<form method="post" action="${routeHref(name)}/try">
<label for="event">Event</label><select id="event" name="event">${events.map(({ name }) => html`<option${tried?.event === name ? html` selected` : nothing}>${name}</option>`)}</select>
<label for="body">Its body as KAZOO sends it; empty for the catalogue's example</label><textarea id="body" name="body" spellcheck="false">${tried?.body}</textarea>
<button class="act">Try</button></form>`,
  };
}

/** Which daemon runs it, where that isn't this one. */
function whereText(place: PageRoute['place']): Html {
  if (place === 'here') return nothing;
  if (place === 'nowhere')
    return html`<p class="warn">No daemon runs it now: what is for it waits until one does that may.</p>`;
  const { daemon, hasOtherConfiguration } = place;
  return html`<p>The daemon ${daemon} runs it. What it says of its state, and what you do here, goes through the journal's database, within
about a second.</p>
${hasOtherConfiguration ? html`<p class="warn">${daemon} has other routes or schemas in its configuration: what stands below is this daemon's.</p>` : nothing}`;
}

function acts({ status: { name, paused, circuit }, place }: PageRoute): Html {
  const mayProbe = circuit === null ? place !== 'nowhere' : circuit.state !== 'closed';
  const button = (act: string, label: string) =>
    html`<form method="post" action="${routeHref(name)}/act">${hidden({ act })}<button class="act">${label}</button></form>`;
  return html`<div class="acts">${paused ? button('resume', 'Resume') : button('pause', 'Pause')}${mayProbe ? button('probe', 'Probe now') : nothing}</div>`;
}

function latestReplay(act: AuditedAct): Html {
  const { number, at, progress } = act;
  const state = progress?.problem
    ? html`<span class="bad">cut off</span>`
    : progress?.isOver === false
      ? 'going on'
      : 'over';
  return html`<section class="card"><p><a href="/acts/${number}">The latest</a>, begun ${time(at)}, is ${state}.</p>${actBar(act)}</section>`;
}

function replayForm(name: string): Html {
  return html`<p class="dim">Delivers again what was received in a span of time. The count comes first.</p>
<form class="row" method="post" action="${routeHref(name)}/replay">
<div><label for="since">From</label><input id="since" name="since" placeholder="2h, yesterday, 2026-11-24T08:00"></div>
<div><label for="until">Until</label><input id="until" name="until" placeholder="now"></div>
<button class="act">Replay…</button></form>`;
}

function trialOf({ result }: Tried): Html {
  if ('error' in result) return html`<p class="bad">${result.error}</p>`;
  const { decision, reason, problems, envelope } = result;
  const words = {
    deliver: ['good', 'It would be delivered.'],
    quarantine: ['warn', 'It would be quarantined'],
    skip: ['bad', 'It would not be delivered'],
  } as const;
  const [kind, sentence] = words[decision];
  return html`<section class="card"><p class="${kind}">${sentence}${reason === null ? nothing : html`: ${reason}`}</p>
${problems.length === 0 ? nothing : html`<ul>${problems.map((problem) => html`<li>${problem}</li>`)}</ul>`}
${envelope === null ? nothing : block('What its sink would get', jsonLine(envelope))}</section>`;
}

/** Asks before a replay, with how much it is. */
export function replayView(
  name: string,
  span: { readonly since: string; readonly until: string },
  number: number,
  isMore: boolean,
): View {
  const what = `Replay ${isMore ? 'more than ' : ''}${count(number)} on ${name}`;
  return {
    title: what,
    body:
      number === 0
        ? html`<h1>Nothing to replay</h1><p>The route wants nothing that was received then. <a href="${routeHref(name)}">${name}</a></p>`
        : html`<h1>${what}?</h1>
<p>They are delivered again, also those that were delivered before.</p>
<form method="post" action="${routeHref(name)}/replay">${hidden({ ...span, confirmed: 'yes' })}<button class="act">${what}</button> <a href="${routeHref(name)}">Cancel</a></form>`,
  };
}
