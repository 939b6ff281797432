import { pluralize } from '../../common/text/format.ts';
import type { Delivery, ShapedEnvelope } from '../../notification/envelope.ts';
import { severityMark } from '../summary/severity.ts';
import { type Fact, oneLine, type Summary, summaryOf } from '../summary/summary.ts';
import { createTemplate, escapeMarkup } from '../template/template.ts';
import type { EmailSinkOptions, TextTemplates } from './options.ts';

/** What an e-mail says. */
export interface Letter {
  /** One line. */
  readonly subject: string;
  readonly text: string;
  readonly html: string | undefined;
  readonly isUrgent: boolean;
}

/** The variable of templates beside those of the envelope. */
export const besideEnvelope = 'summary';

/** Characters: longer ones are cut by those who show them. */
const longestSubject = 200;

/**
 * What is said of a notification: in the words of its summary, or by the operator's templates.
 * @returns a function that throws Undeliverable when a template fails
 * @throws Error when a template can't be parsed
 */
export function createLetters(
  { template }: Pick<EmailSinkOptions, 'template'>,
  route: string,
): (delivery: Pick<Delivery, 'envelope'>) => Letter {
  const subjectOf = render(template?.subject, 'text/plain');
  const textOf = render(template?.text, 'text/plain');
  const htmlOf = render(template?.html, 'text/html');
  // Beside a text of the operator's, our own words would say something else.
  const hasOwnHtml = textOf === undefined;

  return (delivery) => {
    const summary = summaryOf(delivery.envelope);
    const { title, severity } = summary;
    const end = signature(delivery.envelope, route);
    const subject = oneLine(subjectOf?.(delivery) ?? '', longestSubject);
    return {
      subject: subject === '' ? `${severityMark[severity]}${title}` : subject,
      text: plainText(textOf?.(delivery) ?? ownText(summary, end)),
      html: htmlOf === undefined ? (hasOwnHtml ? ownHtml(summary, end) : undefined) : plainText(htmlOf(delivery)),
      isUrgent: isUrgent(summary),
    };
  };
}

/** Says that e-mails wait. @param until when the next one goes, in Unix milliseconds */
export function capLetter(maxPerHour: number, until: number, route: string): Letter {
  const most = pluralize(maxPerHour, 'e-mail');
  const title = `${most} in an hour: the next ones wait`;
  const what =
    `Route ${route} sends ${most} an hour at most (maxPerHour). More notifications are waiting; none is lost. ` +
    `The next e-mail goes at ${new Date(until).toISOString().slice(11, 16)} UTC.`;
  const end = `kazoo-relay, route ${route}`;
  return {
    subject: `${severityMark.warning}${title}`,
    text: textPage(title, what, end),
    html: htmlPage(title, `<p>${escapeMarkup(what)}</p>`, end),
    isUrgent: false,
  };
}

export function isUrgent({ severity }: Pick<Summary, 'severity'>): boolean {
  return severity === 'error' || severity === 'critical';
}

/** Those that are there, with their names and content types. */
export function templatesOf(template: TextTemplates | undefined) {
  const types = { subject: 'text/plain', text: 'text/plain', html: 'text/html' } as const;
  return (['subject', 'text', 'html'] as const).flatMap((name) => {
    const body = template?.[name];
    return body === undefined ? [] : [{ name, template: { body, contentType: types[name] } }];
  });
}

function render(body: string | undefined, contentType: string) {
  if (body === undefined) return undefined;
  const make = createTemplate({ body, contentType }, (envelope) => ({ [besideEnvelope]: summaryOf(envelope) }));
  return (delivery: Pick<Delivery, 'envelope'>) => make(delivery).text;
}

/** How a person finds the notification again. */
function signature({ id, event }: ShapedEnvelope, route: string): string {
  return `kazoo-relay, route ${route}: ${oneLine(event ?? 'unknown event', longestSubject)}, id ${id}`;
}

function ownText({ title, facts }: Summary, end: string): string {
  return textPage(title, listedFacts(facts), end);
}

function ownHtml({ title, facts }: Summary, end: string): string {
  return htmlPage(title, factsTable(facts), end);
}

export function listedFacts(facts: readonly Fact[]): string {
  return facts.map(({ name, value }) => `${name}: ${value}`).join('\n');
}

/** As HTML. */
export function factsTable(facts: readonly Fact[]): string {
  const rows = facts.map(
    ({ name, value }) =>
      `<tr><th align="left" valign="top" style="padding:2px 16px 2px 0;font-weight:normal;color:#555">${escapeMarkup(name)}</th>` +
      `<td valign="top" style="padding:2px 0">${escapeMarkup(value)}</td></tr>`,
  );
  return `<table style="border-collapse:collapse">\n${rows.join('\n')}\n</table>`;
}

/** What follows `-- ` is a signature: most programs show it as one. */
export function textPage(title: string, text: string, end: string): string {
  return `${title}\n\n${text}\n\n-- \n${end}\n`;
}

/** Nothing in it comes from elsewhere, and no text of a notification is a tag. @param body HTML */
export function htmlPage(title: string, body: string, end: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeMarkup(title)}</title></head>
<body style="font-family:sans-serif;line-height:1.4">
<h1 style="font-size:1.2em">${escapeMarkup(title)}</h1>
${body}
<p style="color:#555;font-size:0.85em">${escapeMarkup(end)}</p>
</body></html>
`;
}

/** Line ends of one kind: a lone carriage return ends a line for some mail servers, and not for others. */
function plainText(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]/gu, '');
}
