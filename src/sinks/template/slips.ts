import { closestMatch } from '../../common/text/did-you-mean.ts';
import type { Slip } from '../../common/text/slips.ts';

/** Filters of other languages, and what Liquid has for them. */
const filters: Readonly<Record<string, string>> = {
  upper: 'upcase',
  uppercase: 'upcase',
  toupper: 'upcase',
  lower: 'downcase',
  lowercase: 'downcase',
  tolower: 'downcase',
  title: 'capitalize',
  length: 'size',
  count: 'size',
  len: 'size',
  trim: 'strip',
  tojson: 'json',
  to_json: 'json',
  json_encode: 'json',
  jsonify: 'json',
  urlencode: 'url_encode',
  uri_encode: 'url_encode',
  e: 'escape',
  safe: 'raw',
  date_format: 'date',
  strftime: 'date',
  sub: 'replace',
  nl2br: 'newline_to_br',
};

const blocks = 'if|unless|for|case|capture|raw|comment|tablerow';
/** Within a tag, or the condition of one. */
const inTag = String.raw`(?<=\{%[^%]*)`;
const inBoth = String.raw`(?<=\{[{%][^}]*)`;

/**
 * What people write in templates who know other languages. The first that helps is said.
 * @param names those that Liquid knows
 */
export function templateSlips(names: {
  readonly filters: readonly string[];
  readonly tags: readonly string[];
}): Slip[] {
  const tags = [...names.tags, ...names.tags.map((name) => `end${name}`), 'else', 'elsif', 'when'];
  return [
    {
      pattern: new RegExp(`${inBoth}[“”„]([^“”„}]*)[“”„]|${inBoth}[‘’‚]([^‘’‚}]*)[‘’‚]`, 'g'),
      instead: ([, one, other]) => JSON.stringify(one ?? other),
      message: 'quotes must be straight ones: $*',
    },
    {
      pattern: /\{\{\s*#(if|unless|each|for)\s+([^}]*?)\s*\}\}/g,
      instead: ([, name, rest]) => (name === 'each' ? `{% for item in ${rest} %}` : `{% ${name} ${rest} %}`),
      message: 'a block is written $*',
    },
    {
      pattern: /\{\{\s*\/(if|unless|each|for)\s*\}\}/g,
      instead: ([, name]) => `{% end${name === 'each' ? 'for' : name} %}`,
      message: 'a block ends with $*',
    },
    {
      pattern: /\{\{([^{}]*)\}(?!\})/g,
      instead: ([, inner]) => `{{${inner}}}`,
      message: 'this {{ needs }} at its end',
    },
    {
      pattern: /\{\{([^{}\n]*)$/gm,
      instead: ([, inner = '']) => `{{${inner.trimEnd()} }}`,
      message: 'this {{ has no }}',
    },
    {
      pattern: /\{%([^%{}]*)(?<!%)\}(?!\})/g,
      instead: ([, inner]) => `{%${inner}%}`,
      message: 'this {% needs %} at its end',
    },
    {
      pattern: /\{%([^%{}\n]*)$/gm,
      instead: ([, inner = '']) => `{%${inner.trimEnd()} %}`,
      message: 'this {% has no %}',
    },
    {
      pattern: new RegExp(`(\\{%-?\\s*(${blocks})\\b[^%]*%\\}(?:(?!\\{%)[^])*\\{%-?\\s*)end(?=\\s*-?%\\})`, 'g'),
      instead: ([, before, name]) => `${before}end${name}`,
      message: 'a block that begins with $2 ends with {% end$2 %}',
    },
    {
      pattern: /(?<=\{%-?\s*)(?:else\s+if|elseif|elif)\b/g,
      instead: () => 'elsif',
      message: 'else if is written elsif',
    },
    { pattern: /(?<=\{%-?\s*)(?:set|let|var)\b/g, instead: () => 'assign', message: 'a variable is set with assign' },
    { pattern: /(?<=\{%-?\s*)foreach\b/g, instead: () => 'for', message: 'foreach is written for' },
    { pattern: /(?<=\{%-?\s*for\s+\w+\s+)of\b/g, instead: () => 'in', message: 'a loop is written for … in' },
    {
      pattern: /(?<=\|\s*)(\w+)(?=\s*(?:[|:}(%"']|\w))/g,
      instead: ([name = '']) =>
        names.filters.includes(name)
          ? name
          : (filters[name.toLowerCase()] ?? closestMatch(name, names.filters) ?? name),
      message: 'there is no filter $1; there is $*',
    },
    {
      pattern: /(\|\s*\w+)\(([^()]*)\)/g,
      instead: ([, filter, value]) => `${filter}: ${value}`,
      message: 'the value of a filter stands behind a colon: $*',
    },
    {
      pattern: /(\|\s*\w+)\s+(?=["'\w])/g,
      instead: ([, filter]) => `${filter}: `,
      message: 'the value of a filter stands behind a colon',
    },
    {
      pattern: new RegExp(`${inTag}([=!])==`, 'g'),
      instead: ([, first]) => `${first}=`,
      message: 'to compare, write $*',
    },
    { pattern: new RegExp(`${inTag}(?<![=!<>])=(?!=)`, 'g'), instead: () => '==', message: 'to compare, write ==' },
    { pattern: new RegExp(`${inTag}&&?`, 'g'), instead: () => 'and', message: 'in a template, && is written and' },
    { pattern: new RegExp(`${inTag}\\|\\|`, 'g'), instead: () => 'or', message: 'in a template, || is written or' },
    {
      pattern: /(?<=\{\{[^}]*)\s*(?:\|\||\?\?)\s*/g,
      instead: () => ' | default: ',
      message: 'what stands in for nothing is written | default:',
    },
    {
      pattern: new RegExp(`${inTag}!(?!=)\\s*`, 'g'),
      instead: () => 'not ',
      message: 'in a template, ! is written not',
    },
    {
      pattern: new RegExp(`${inTag}\\(([^().]*)\\)`, 'g'),
      instead: ([, inner = '']) => inner,
      message: 'conditions of a template have no brackets: of and and or, the last counts first',
      isGuess: true,
    },
    { pattern: /(?<=\{\{[^}]*)\s*\+\s*/g, instead: () => ' | plus: ', message: 'a template counts with filters: $*' },
    {
      pattern: /(?<=\{%-?\s*)(\w+)/g,
      instead: ([name = '']) => (tags.includes(name) ? name : (closestMatch(name, tags) ?? name)),
      message: 'there is no tag $1; there is $*',
    },
    {
      pattern: new RegExp(`\\{%-?\\s*(${blocks})\\b[^]*$`, 'g'),
      instead: ([written = '', name]) => `${written.trimEnd()}{% end${name} %}`,
      message: 'this {% $1 %} has no {% end$1 %}',
    },
    {
      pattern: /\{%-?\s*(?:end\w*|else|elsif[^%]*)\s*-?%\}/g,
      instead: () => '',
      message: 'this belongs to no block',
      isGuess: true,
    },
  ];
}
