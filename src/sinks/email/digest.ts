import type { Delivery } from '../../notification/envelope.ts';
import { digestOf } from '../summary/digest.ts';
import { severityMark } from '../summary/severity.ts';
import { escapeMarkup } from '../template/template.ts';
import { factsTable, htmlPage, isUrgent, type Letter, listedFacts, textPage } from './letter.ts';

/** Lines of one e-mail: a person reads no more, and some servers take no more. */
const mostLines = 500;

/** What is said of several notifications at once: how many of each event, and a line for each. */
export function digestLetter(batch: readonly Pick<Delivery, 'envelope'>[], route: string): Letter {
  const digest = digestOf(batch.map(({ envelope }) => envelope));
  const { title, severity, facts } = digest;
  const lines = digest.lines.slice(0, mostLines).map((line) => `${severityMark[line.severity]}${line.text}`);
  const left = digest.lines.length - lines.length;
  const more = left === 0 ? [] : [`… and ${left} more: "kazoo-relay tail" shows them`];
  const end = `kazoo-relay, route ${route}`;
  const items = lines.map((line) => `<li>${escapeMarkup(line)}</li>`);
  return {
    subject: `${severityMark[severity]}${title}`,
    text: textPage(title, [listedFacts(facts), '', ...lines, ...more].join('\n'), end),
    html: htmlPage(
      title,
      [
        factsTable(facts),
        `<ul>\n${items.join('\n')}\n</ul>`,
        ...more.map((line) => `<p>${escapeMarkup(line)}</p>`),
      ].join('\n'),
      end,
    ),
    isUrgent: isUrgent(digest),
  };
}
