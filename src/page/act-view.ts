import type { AuditedAct } from '../journal/operator-store.ts';
import { type FailureChoice, failureStates, listHref, notificationHref } from './failures.ts';
import { type Html, html, nothing } from './html.ts';
import { count, facts, href, time, type View } from './layout.ts';
import { routeHref } from './now.ts';

/** How many there are now in each state where something is tried again: what is in none was delivered. */
export type Left = Readonly<Record<'waiting' | 'dead' | 'quarantined', number>>;

/** Of which records it is to be told what there is now: where an act makes several be tried again. */
export function triedBy({ act, selection: { route, event, ids } }: AuditedAct): FailureChoice | null {
  if (act !== 'replay' && (act !== 'retry' || ids !== undefined)) return null;
  return { ...(route !== undefined && { route }), ...(event !== undefined && act === 'retry' && { event }) };
}

/** How far an act is, or how it ended. @param isHere whether it goes on in this daemon */
export function actView(act: AuditedAct, isHere: boolean, left: Left | null): View {
  const { progress, selection } = act;
  const about = triedBy(act);
  const title = `${names[act.act] ?? act.act}${selection.route === undefined ? '' : ` on ${selection.route}`}`;
  return {
    title: progress?.total ? `${title}: ${doneOf(act)}` : title,
    live: progress?.isOver === false || about !== null,
    body: html`<h1>${title}</h1>
${stateText(act, isHere)}
${actBar(act)}
${facts([
  ['Begun', time(act.at)],
  ['By', `${act.who}, ${act.from}`],
])}
${about === null || left === null ? nothing : whatIsLeft(act, about, left)}
<p><a href="/acts/${act.number}">Look again</a> · <a href="${backFrom(act)}">What is left</a> · <a href="/audit">Audit</a></p>`,
  };
}

const names: Readonly<Partial<Record<AuditedAct['act'], string>>> = { retry: 'Retry', drop: 'Drop', replay: 'Replay' };

/** What has become of those that an act has changed. */
const words: Readonly<Partial<Record<AuditedAct['act'], string>>> = {
  retry: 'due again',
  replay: 'due again',
  drop: 'dropped',
};

function stateText({ progress }: AuditedAct, isHere: boolean): Html {
  if (progress === null) return nothing;
  const { total, isOver, problem } = progress;
  if (problem !== null) return html`<p class="bad">${problem}</p>`;
  if (isOver) return html`<p class="good">Done.</p>`;
  if (!isHere)
    return html`<p>It goes on at the daemon where it was begun. If it does not, that one has ended: begin it again.</p>`;
  return total === null ? html`<p>It counts how many there are.</p>` : html`<p>It goes on; this page follows it.</p>`;
}

/** `300 of 1 000`. */
function doneOf({ count: done, progress }: AuditedAct): string {
  return progress?.total ? `${count(done)} of ${count(progress.total)}` : count(done);
}

/** How much of it is done, in words and as a bar. */
export function actBar(act: AuditedAct): Html {
  const label = `${doneOf(act)} ${words[act.act] ?? 'done'}`;
  return bar(label, act.count, act.progress?.total ?? 0);
}

function bar(label: string, done: number, total: number): Html {
  return html`<p>${label}</p>${total > 0 ? html`<progress max="${total}" value="${Math.min(done, total)}" aria-label="${label}"></progress>` : nothing}`;
}

function whatIsLeft({ act, count: done }: AuditedAct, about: FailureChoice, left: Left): Html {
  const where = [about.event, about.route && `on ${about.route}`].filter(Boolean).join(' ');
  // Others may wait on that route, too.
  const tried = Math.max(0, done - left.waiting);
  const isSure = left.waiting === 0;
  return html`<h2>What is there now${where && `: ${where}`}</h2>
${act === 'replay' ? bar(`${isSure ? '' : 'At least '}${count(tried)} of ${count(done)} delivered or dead`, tried, done) : nothing}
${facts((['waiting', 'dead', 'quarantined'] as const).map((state) => [state, html`<a href="${href('/failures', { ...about, state })}">${count(left[state])}</a>`]))}
<p class="dim">What waits is tried within moments, or at its next try. What was tried again and is in none of these was delivered.</p>`;
}

function backFrom({ act, selection: { route, event, states = [], ids } }: AuditedAct): string {
  const [id] = ids ?? [];
  if (id !== undefined) return notificationHref(id);
  if (act === 'replay' && route !== undefined) return routeHref(route);
  const state = failureStates.find((one) => states.length === 1 && states[0] === one);
  return listHref({
    ...(route !== undefined && { route }),
    ...(event !== undefined && { event }),
    ...(state !== undefined && { state }),
  });
}
