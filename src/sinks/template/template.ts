import { createRequire } from 'node:module';
import type { Liquid, LiquidError, Template } from 'liquidjs';
import { reasonOf } from '../../common/errors.ts';
import { findSlip, Unreadable } from '../../common/text/slips.ts';
import type { Delivery, ShapedEnvelope } from '../../notification/envelope.ts';
import { type Content, Undeliverable } from '../content.ts';
import { templateSlips } from './slips.ts';

const require = createRequire(import.meta.url);

/** Milliseconds that one rendering may take. */
const longestRendering = 200;
/** The most that one rendering may hold meanwhile, and the longest output, in characters. */
const memoryLimit = 8 * 1024 * 1024;
const longestOutput = 1024 * 1024;

export interface TemplateOptions {
  readonly body: string;
  readonly contentType: string;
}

/**
 * A Liquid template. It sees the envelope's keys and what the sink puts beside them, and nothing else: no file, no other
 * template. What it puts out is escaped for its content type, unless a filter `raw` comes last.
 * @param beside what the sink adds, by names that the envelope doesn't have
 * @throws Error when the template can't be parsed
 */
export function createTemplate(
  { body, contentType }: TemplateOptions,
  beside: (envelope: ShapedEnvelope) => Readonly<Record<string, unknown>>,
): (delivery: Pick<Delivery, 'envelope'>) => Content {
  const liquid = liquidFor(contentType);
  const parsed = parse(liquid, body);
  return ({ envelope }) => {
    const text = render(() => String(liquid.renderSync(parsed, { ...envelope, ...beside(envelope) })));
    if (text.length > longestOutput) throw new Undeliverable('the template gives more than 1 MiB');
    if (isJson(contentType)) mustBeJson(text);
    return { type: contentType, text };
  };
}

/**
 * Paths into the envelope that a template reads, as far as they stand in it.
 * @param beside the name of what the sink adds
 */
export function templatePaths({ body, contentType }: TemplateOptions, beside: string): string[][] {
  const liquid = liquidFor(contentType);
  const read = liquid.globalVariableSegmentsSync(parse(liquid, body));
  return read.flatMap((segments) => {
    // Behind a variable as an index, anything may stand.
    const end = segments.findIndex((segment) => Array.isArray(segment));
    const path = segments.slice(0, end === -1 ? segments.length : end).map(String);
    return path[0] === beside ? [] : [path];
  });
}

/** One for each content type: to make one takes longer than to parse a template, and it keeps nothing of one. */
const engines = new Map<string, Liquid>();

function liquidFor(contentType: string): Liquid {
  const engine = engines.get(contentType) ?? createLiquid(contentType);
  engines.set(contentType, engine);
  return engine;
}

function createLiquid(contentType: string): Liquid {
  // Loaded here, because it takes much memory and few configurations have a template.
  const library = require('liquidjs') as typeof import('liquidjs');
  return new library.Liquid({
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
}

/** @throws Unreadable that names the mistake, if it is known */
function parse(liquid: Liquid, body: string): Template[] {
  try {
    return liquid.parse(body);
  } catch (error) {
    const names = { filters: Object.keys(liquid.filters), tags: Object.keys(liquid.tags) };
    const slip = findSlip(body, templateSlips(names), (text) => progressOf(liquid, text));
    if (slip === undefined) throw error;
    throw new Unreadable(slip.message, slip.excerpt, { cause: error });
  }
}

function progressOf(liquid: Liquid, text: string): number {
  try {
    liquid.parse(text);
    return Number.POSITIVE_INFINITY;
  } catch (error) {
    const { token } = error as Partial<LiquidError>; // of what it isn't, nothing is known
    return (token?.begin ?? 0) - text.length;
  }
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
  const essence = essenceOf(contentType);
  const [, escapeText] = escapes.find(([types]) => types.test(essence)) ?? [];
  return escapeText === undefined ? outputText : (value) => escapeText(outputText(value));
}

/** By content types: these have many names, with JSON or XML somewhere in them. The first that fits is taken. */
const escapes: readonly (readonly [RegExp, (text: string) => string])[] = [
  [/json5|javascript|ecmascript/, escapeScript],
  [/json/, escapeJson],
  [/dtd/, (text) => escapeMarkup(text).replaceAll('%', '&#37;')],
  [/xml|html|svg|sgml|xsl|mathml|wml/, escapeMarkup],
  [/x-www-form-urlencoded/, (text) => encodeURIComponent(text.toWellFormed())],
];

/** The type without its parameters, in lower case. */
function essenceOf(contentType: string): string {
  return contentType.replace(/;.*/s, '').trim().toLowerCase();
}

function outputText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** There strings may stand in other quotes too, and in those with `${…}` within. */
function escapeScript(text: string): string {
  return escapeJson(text).replace(/['`$]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

/** A text as it stands in HTML or XML, between tags or in an attribute. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Where it is JSON as a whole, and not several of them or a language that contains it. */
function isJson(contentType: string): boolean {
  return /[/+]json\b(?!-seq)/.test(essenceOf(contentType));
}

function mustBeJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new Undeliverable('the template gives no JSON for this notification, as its contentType says it does');
  }
}
