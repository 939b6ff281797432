import { type CountSpan, countSpans, type DeliveryCount } from '../journal/reader.ts';
import { type Html, html, nothing } from './html.ts';

/** How many spans of each length a chart has: an hour, two days, a month. */
const shown: Readonly<Record<CountSpan, number>> = { minute: 60, hour: 48, day: 30 };

export type Counts = Readonly<Record<CountSpan, readonly DeliveryCount[]>>;

const names: Readonly<Record<CountSpan, string>> = {
  minute: 'delivered in the last hour, by minute',
  hour: 'delivered in the last 48 hours, by hour',
  day: 'delivered in the last 30 days, by day',
};

/** Since when a chart needs counts, in Unix milliseconds. */
export function chartSince(per: CountSpan, now = Date.now()): number {
  return startOf(now, per) - (shown[per] - 1) * countSpans[per];
}

/** Of an hour, two days and a month; null where the journal can't be asked. */
export function charts(counts: Counts | null): Html {
  if (counts === null) return html`<p class="warn">The journal can't be asked what was delivered.</p>`;
  return html`<div class="cards">${(['minute', 'hour', 'day'] as const).map((per) => chart(per, counts[per]))}</div>`;
}

/** Bars of what was delivered, those with dead or quarantined ones marked; the text says the sum. */
function chart(per: CountSpan, counts: readonly DeliveryCount[], now = Date.now()): Html {
  const first = chartSince(per, now);
  const bars = Array.from({ length: shown[per] }, () => ({ delivered: 0, failed: 0 }));
  for (const { start, delivered, dead, quarantined } of counts) {
    const bar = bars[Math.round((start - first) / countSpans[per])];
    if (bar === undefined) continue;
    bar.delivered += delivered;
    bar.failed += dead + quarantined;
  }
  const most = Math.max(1, ...bars.map(({ delivered, failed }) => delivered + failed));
  const sum = bars.reduce((all, { delivered }) => all + delivered, 0);
  const failed = bars.reduce((all, bar) => all + bar.failed, 0);
  const label = `${sum} ${names[per]}${failed > 0 ? `; ${failed} dead or quarantined` : ''}`;
  return html`<figure class="card"><svg class="chart" role="img" aria-label="${label}" viewBox="0 0 ${bars.length * 4} 40" preserveAspectRatio="none">${bars.map(
    (bar, index) => [
      rect(index, 0, bar.delivered / most, ''),
      rect(index, bar.delivered / most, bar.failed / most, 'bad'),
    ],
  )}</svg><figcaption class="dim">${label}</figcaption></figure>`;
}

function rect(index: number, from: number, share: number, kind: string): Html {
  if (share === 0) return nothing;
  const height = Math.max(0.5, share * 40);
  return html`<rect class="${kind}" x="${index * 4}" y="${(40 - from * 40 - height).toFixed(1)}" width="3" height="${height.toFixed(1)}"/>`;
}

function startOf(time: number, per: CountSpan): number {
  return time - (time % countSpans[per]);
}
