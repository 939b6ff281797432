import type { Delivery } from '../../notification/envelope.ts';
import { isPlaceholder, placeholderNames, placeholdersIn } from '../placeholders.ts';

/** The parts of a time in RFC 3339 that a prefix may name. */
const timeParts = {
  date: [0, 10],
  year: [0, 4],
  month: [5, 7],
  day: [8, 10],
  hour: [11, 13],
} as const satisfies Readonly<Record<string, readonly [from: number, to: number]>>;

/** A key has no more bytes than this. */
const longestKey = 1_024;

/** More of a value would tell nobody anything, and many of them would not fit into a key. */
const longestValue = 100;

/** A name of ours: a time, two ids of 36 characters, a checksum, what the file is. */
const longestName = 128;

/** What the keys of a notification's object begin with. A value is one part of a key, whatever is in it. */
export function prefixOf(template: string, delivery: Delivery): string {
  if (!template.includes('{')) return template;
  const time = new Date(delivery.header.occurredAt).toISOString();
  // The options' rules let no other name through.
  return template.replace(/\{(\w+)\}/g, (_, name: string) =>
    isTimePart(name) ? time.slice(...timeParts[name]) : isPlaceholder(name) ? safe(delivery.envelope[name]) : '_',
  );
}

/**
 * The rest of a key. Names sort by the time of the first notification. Other lines have another name, and the same lines,
 * when they come again, the same: an object is never replaced by one that holds less.
 * @param checksum of the lines
 */
export function nameOf(batch: readonly Delivery[], checksum: number, extension: string): string {
  const first = batch[0]?.header;
  const last = batch.at(-1)?.header;
  const time = new Date(first?.occurredAt ?? 0).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${time}_${first?.id}_${last?.id}_${checksum.toString(16).padStart(8, '0')}.${extension}`;
}

/** What a key may hold on every store and in every shell; what would lead to another folder is none. */
function safe(value: string | null | undefined): string {
  const text = (value ?? '')
    .toWellFormed()
    .slice(0, longestValue)
    .replace(/[^\w.-]/g, '_');
  return /^\.*$/.test(text) ? '_'.repeat(Math.max(1, text.length)) : text;
}

function isTimePart(name: string): name is keyof typeof timeParts {
  return Object.hasOwn(timeParts, name);
}

/** What is wrong with a prefix; undefined where nothing is. Whatever the notifications hold, its keys fit then. */
export function mistakeInPrefix(prefix: string): string | undefined {
  const wrong = placeholdersIn(prefix).find((name) => !isTimePart(name) && !(isPlaceholder(name) && name !== 'id'));
  if (wrong === 'id') return 'has a placeholder {id}: the name of an object has the ids already';
  if (wrong !== undefined)
    return `has a placeholder {${wrong}}; there are ${allNames.map((name) => `{${name}}`).join(', ')}`;
  if (/[\p{C}\\{}]/u.test(prefix.replace(/\{\w+\}/g, ''))) return 'has a brace, a backslash or a control character';
  if (/^\/|\/\//.test(prefix)) return 'has an empty part: write it without / in front, and without //';
  if (/(^|\/)\.{1,2}(\/|$)/.test(prefix)) return 'has a part . or .., which leads to another folder';
  const longest = Buffer.byteLength(prefix.replace(/\{\w+\}/g, 'x'.repeat(longestValue))) + longestName;
  if (longest > longestKey) return `makes keys of up to ${longest} bytes, and S3 allows ${longestKey}: make it shorter`;
  return undefined;
}

const allNames = [...placeholderNames.filter((name) => name !== 'id'), ...Object.keys(timeParts)];
