import { createRequire } from 'node:module';
import { reasonOf } from '../../errors.ts';
import type { Delivery } from '../sink.ts';
import type { Content } from './content.ts';
import type { TemplateOptions } from './options.ts';
import { Undeliverable } from './undeliverable.ts';

const require = createRequire(import.meta.url);

/** Milliseconds that one rendering may take. */
const longestRendering = 200;
/** What one rendering may build up on its way, and what may come out of it, in characters. */
const memoryLimit = 8 * 1024 * 1024;
const longestOutput = 1024 * 1024;

/**
 * A Liquid template as a format. It sees the envelope's keys and `fields`, and nothing else: no file, no other
 * template. What it puts out is escaped for its content type, unless a filter `raw` comes last.
 * @throws Error when the template can't be parsed
 */
export function createTemplate(
  { body, contentType }: TemplateOptions,
  fields: Readonly<Record<string, string>>,
): (delivery: Delivery) => Content {
  // Loaded here, because it takes much memory and few configurations have a template.
  const { Liquid } = require('liquidjs') as typeof import('liquidjs');
  const liquid = new Liquid({
    // Without this, `include` and its kind would look for files.
    templates: {},
    ownPropertyOnly: true,
    strictFilters: true,
    timezoneOffset: 0,
    parseLimit: 256 * 1024,
    renderLimit: longestRendering,
    memoryLimit,
    outputEscape: escapeFor(contentType),
  });
  const parsed = liquid.parse(body);
  return ({ envelope }) => {
    const text = render(() => String(liquid.renderSync(parsed, { ...envelope, fields })));
    if (text.length > longestOutput) throw new Undeliverable('the template gives more than 1 MiB');
    if (isJson(contentType)) mustBeJson(text);
    return { type: contentType, text };
  };
}

function render(work: () => string): string {
  try {
    return work();
  } catch (cause) {
    throw new Undeliverable(`the template fails: ${reasonOf(cause)}`);
  }
}

/** A text from outside must not end the string or the element that the template has put it in. */
function escapeFor(contentType: string): (value: unknown) => string {
  if (isJson(contentType)) return (value) => JSON.stringify(textOf(value)).slice(1, -1);
  if (/[/+](xml|html)\b/i.test(contentType)) return (value) => escapeMarkup(textOf(value));
  if (/x-www-form-urlencoded/i.test(contentType)) return (value) => encodeURIComponent(textOf(value).toWellFormed());
  return textOf;
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function isJson(contentType: string): boolean {
  return /[/+]json\b/i.test(contentType);
}

function mustBeJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new Undeliverable('the template gives no JSON for this notification, as its contentType says it does');
  }
}
