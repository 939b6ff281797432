import { pluralize } from '../../common/text/format.ts';
import { anyEventNamed } from '../../kazoo/relay-events.ts';
import type { Delivery, ShapedEnvelope } from '../../notification/envelope.ts';
import { oneLine, summaryOf } from '../summary/summary.ts';
import { escapeMarkup } from '../template/template.ts';
import { htmlPage, isUrgent, type Letter, textPage } from './letter.ts';

/** Lines of one e-mail: a person reads no more, and some servers take no more. */
const mostLines = 500;
/** Events that the subject names. */
const mostNamed = 3;

interface Group {
  readonly name: string;
  readonly count: number;
  readonly lines: readonly string[];
}

/** What is said of several notifications at once: a line for each, by event, the most frequent first. */
export function digestLetter(batch: readonly Pick<Delivery, 'envelope'>[], route: string): Letter {
  const told = batch.map(({ envelope }) => ({ envelope, summary: summaryOf(envelope) }));
  const groups = [...Map.groupBy(told, ({ envelope }) => nameOf(envelope))]
    .map(([name, alike]) => ({
      name,
      count: alike.length,
      lines: alike.map(({ envelope, summary }) => `${timeOf(envelope)}${summary.title}`),
    }))
    .sort((a, b) => b.count - a.count);
  const shown = firstLines(groups);
  const rest = batch.length - shown.reduce((sum, { lines }) => sum + lines.length, 0);
  const more = rest === 0 ? [] : [`… and ${rest} more: "kazoo-relay tail" shows them`];
  const title = pluralize(batch.length, 'notification');
  const end = `kazoo-relay, route ${route}`;
  const headOf = ({ name, count }: Group) => `${name} (${count})`;
  return {
    subject: oneLine(`${title}: ${nameSome(groups)}`, 200),
    text: textPage(
      title,
      [...shown.map((group) => [headOf(group), ...group.lines.map((line) => `  ${line}`)].join('\n')), ...more].join(
        '\n\n',
      ),
      end,
    ),
    html: htmlPage(
      title,
      [
        ...shown.map((group) => {
          const items = group.lines.map((line) => `<li>${escapeMarkup(line)}</li>`);
          return `<h2 style="font-size:1em">${escapeMarkup(headOf(group))}</h2>\n<ul>\n${items.join('\n')}\n</ul>`;
        }),
        ...more.map((line) => `<p>${escapeMarkup(line)}</p>`),
      ].join('\n'),
      end,
    ),
    isUrgent: told.some(({ summary }) => isUrgent(summary)),
  };
}

function nameOf({ event }: ShapedEnvelope): string {
  const title = typeof event === 'string' ? anyEventNamed(event)?.title : undefined;
  return oneLine(title ?? event ?? 'Unknown event', 100);
}

function timeOf({ occurred_at: at }: ShapedEnvelope): string {
  return at ? `${at.slice(0, 19).replace('T', ' ')} UTC  ` : '';
}

/** As many of each as there is room for. */
function firstLines(groups: readonly Group[]): Group[] {
  let room = mostLines;
  return groups.flatMap((group) => {
    const lines = group.lines.slice(0, room);
    room -= lines.length;
    return lines.length === 0 ? [] : [{ ...group, lines }];
  });
}

function nameSome(groups: readonly Group[]): string {
  const named = groups.slice(0, mostNamed).map(({ name, count }) => `${count} × ${name}`);
  return [...named, ...(groups.length > mostNamed ? ['…'] : [])].join(', ');
}
