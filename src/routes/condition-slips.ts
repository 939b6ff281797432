import { closestMatch } from '../common/text/did-you-mean.ts';
import type { Hidden, Slip } from '../common/text/slips.ts';
import { commonFields, events } from '../kazoo/catalogue.ts';
import { envelopeKeys } from '../notification/envelope.ts';

/** An operand: a path, a call without arguments, or a literal that is hidden. */
const operand = String.raw`([\w.[\]]+(?:\(\))?|[\uE000-\uF8FF]+)`;

const fields = [...new Set([...events.flatMap((event) => event.fields), ...commonFields].map(({ name }) => name))];
const languages: readonly string[] = ['true', 'false', 'null', 'in', ...envelopeKeys];

/** Functions of other languages, and what CEL has for them. */
const methods: Readonly<Record<string, string>> = {
  tolowercase: 'lowerAscii',
  tolower: 'lowerAscii',
  lowercase: 'lowerAscii',
  lower: 'lowerAscii',
  downcase: 'lowerAscii',
  touppercase: 'upperAscii',
  toupper: 'upperAscii',
  uppercase: 'upperAscii',
  upper: 'upperAscii',
  upcase: 'upperAscii',
  startswith: 'startsWith',
  starts_with: 'startsWith',
  beginswith: 'startsWith',
  hasprefix: 'startsWith',
  endswith: 'endsWith',
  ends_with: 'endsWith',
  hassuffix: 'endsWith',
  includes: 'contains',
  include: 'contains',
  contain: 'contains',
  match: 'matches',
  test: 'matches',
  regex: 'matches',
  regexp: 'matches',
  length: 'size',
  len: 'size',
  count: 'size',
  strip: 'trim',
  indexof: 'indexOf',
  some: 'exists',
  any: 'exists',
  every: 'all',
};

const infix: Readonly<Record<string, string>> = {
  ...methods,
  contains: 'contains',
  matches: 'matches',
  '=~': 'matches',
  '~=': 'matches',
  '~': 'matches',
};

/** What people write in conditions who know other languages, or none. The first that helps is said. */
export const conditionSlips: readonly Slip[] = [
  {
    pattern: /[“”„‟«»]([^“”„‟«»]*)[“”„‟«»]|[‘’‚‛]([^‘’‚‛]*)[‘’‚‛]/g,
    instead: ([, one, other]) => JSON.stringify(one ?? other),
    message: 'quotes must be straight ones: $*',
  },
  {
    pattern: /^\s*\{\{(.*)\}\}\s*$/gs,
    instead: ([, inner = '']) => inner.trim(),
    message: 'a condition stands without {{ and }}',
  },
  {
    pattern: /^\s*\$?\{(.*)\}\s*$/gs,
    instead: ([, inner = '']) => inner.trim(),
    message: 'a condition stands without braces',
  },
  {
    pattern: /^\s*(?:if|when|where|unless)\b\s*/gi,
    instead: () => '',
    message: 'a condition stands for itself, without if',
  },
  { pattern: /\s+then\s*$/gi, instead: () => '', message: 'a condition stands for itself, without then' },
  { pattern: /\s*;\s*$/g, instead: () => '', message: 'no ; ends a condition' },
  { pattern: /\s*(?:&&|\|\|)\s*$/g, instead: () => '', message: 'nothing follows behind the last && or ||' },
  {
    pattern: /\s+#.*$/gm,
    instead: ([comment = '']) => comment.replace('#', '//'),
    message: 'a comment in a condition begins with //',
  },
  { pattern: /([=!])==/g, instead: ([, first]) => `${first}=`, message: 'to compare, write $*' },
  { pattern: /<>/g, instead: () => '!=', message: 'unequal is written !=' },
  { pattern: /=<|=>/g, instead: ([written]) => (written === '=<' ? '<=' : '>='), message: 'to compare, write $*' },
  { pattern: /(?<![=!<>~])=(?![=~])/g, instead: () => '==', message: 'to compare, write ==' },
  { pattern: /(?<=[\w\])]\s*):(?!:)/g, instead: () => ' ==', message: 'to compare, write ==' },
  {
    pattern: new RegExp(`${operand}\\s+is\\s+not\\s+(?:null|empty|None|nil)\\b`, 'gi'),
    instead: ([, one]) => `${one} != null`,
    message: 'to compare, write $*',
  },
  {
    pattern: new RegExp(`${operand}\\s+is\\s+(?:null|None|nil)\\b`, 'gi'),
    instead: ([, one]) => `${one} == null`,
    message: 'to compare, write $*',
  },
  {
    pattern: new RegExp(`${operand}\\s+(?:is|equals|eq)\\s+`, 'gi'),
    instead: ([, one]) => `${one} == `,
    message: 'to compare, write ==',
  },
  {
    pattern: new RegExp(`${operand}\\s+not\\s+in\\s+(\\[[^\\]]*\\]|\\([^)]*\\)|[\\w.]+)`, 'gi'),
    instead: ([, one, list = '']) => `!(${one} in ${list.replace(/^\((.*)\)$/s, '[$1]')})`,
    message: 'not in is written $*',
  },
  {
    pattern: /(?<=\bin\s*)\(([^()]*)\)/gi,
    instead: ([, items]) => `[${items}]`,
    message: 'a list has brackets: in $*',
  },
  {
    pattern: new RegExp(`${operand}\\s*(?:!~)\\s*/((?:[^/\\\\]|\\\\.)+)/`, 'g'),
    instead: ([, one, pattern = '']) => `!${one}.matches(${JSON.stringify(pattern)})`,
    message: 'a pattern is asked with matches(): $*',
  },
  {
    pattern: new RegExp(`${operand}\\s*(?:==|=~|~=|~|like|matches)\\s*/((?:[^/\\\\]|\\\\.)+)/`, 'g'),
    instead: ([, one, pattern = '']) => `${one}.matches(${JSON.stringify(pattern)})`,
    message: 'a pattern is asked with matches(): $*',
  },
  {
    pattern: new RegExp(`${operand}\\s*(=~|~=|~|(?<=\\s)[A-Za-z_]+(?=\\s))\\s*${operand}`, 'g'),
    instead: ([written = '', one, name = '', other]) => {
      const method = infix[name.toLowerCase()];
      return method === undefined ? written : `${one}.${method}(${other})`;
    },
    message: '$2 is a function: write $*',
  },
  { pattern: /(?<![.\w])and(?!\w)|(?<!&)&(?!&)/gi, instead: () => '&&', message: 'and is written &&' },
  { pattern: /(?<![.\w])or(?!\w)|(?<!\|)\|(?!\|)/gi, instead: () => '||', message: 'or is written ||' },
  { pattern: /(?<![.\w])not(?:\s+|(?=\())/gi, instead: () => '!', message: 'not is written !' },
  { pattern: /(?<![.\w])!\s*([\w.]+)\s*(?:==)/g, instead: ([, one]) => `${one} !=`, message: 'unequal is written !=' },
  { pattern: /,(?![^([]*[)\]])/g, instead: () => ' &&', message: 'conditions are joined by && or ||, not by a comma' },
  {
    pattern: /(?<![.\w])(?:None|nil|NULL|Null|undefined|none)(?!\w)/g,
    instead: () => 'null',
    message: 'write null for nothing',
  },
  {
    pattern: /(?<![.\w])(?:True|TRUE|False|FALSE)(?!\w)/g,
    instead: ([word = '']) => word.toLowerCase(),
    message: 'write $* in small letters',
  },
  {
    pattern: /(?<![\w"'.])[0-9a-f]{32}(?!\w)/g,
    instead: ([id]) => `"${id}"`,
    message: 'an id is text, and stands in quotes',
  },
  {
    pattern: /(?<=\bdata\.)[A-Za-z]+(?:-[A-Za-z]+)+/g,
    instead: ([name = '']) => name.toLowerCase().replaceAll('-', '_'),
    message: 'fields are written with _ and in small letters: $*',
  },
  {
    pattern:
      /(?<![.\w])(?:body|payload|message|msg|notification|envelope|json|fields|event\.data|this\.data)\.(?=\w)/gi,
    instead: () => 'data.',
    message: 'the body of a notification is called data: write data.',
  },
  {
    pattern: /(?<=\.)([A-Za-z_]+)(?=\()/g,
    instead: ([name = '']) => methods[name.toLowerCase()] ?? name,
    message: 'there is no function $1(): it is called $*()',
  },
  {
    pattern: /(?<![.\w])(len|length|count|strlen)\(/g,
    instead: () => 'size(',
    message: 'there is no function $1(): it is called size()',
  },
  {
    pattern: /(?<![.\w])(lower|upper|tolower|toupper)\(([^()]*)\)/gi,
    instead: ([, name = '', inner]) => `${inner}.${methods[name.toLowerCase()]}()`,
    message: 'there is no function $1(): write $*',
  },
  {
    pattern: /(?<![.\w])has\((\w+)\)/g,
    instead: ([, key]) => `${key} != null`,
    message: 'has() asks for a field such as data.to; what every notification has is compared: $*',
  },
  {
    pattern: /(?<![.\w"'\uE000-\uF8FF-])([A-Za-z_]\w*)(?![\w(])/g,
    instead: ([word = '']) => (fields.includes(word) && !languages.includes(word) ? `data.${word}` : word),
    message: '$1 is a field of the body: write $*',
  },
  {
    pattern: /(?<![.\w"'\uE000-\uF8FF-])([A-Za-z_]\w*)(?![\w(])/g,
    instead: ([word = '']) => (languages.includes(word) ? word : (closestMatch(word, envelopeKeys) ?? word)),
    message: 'there is no variable $1: did you mean $*?',
  },
  {
    pattern: /(?<![.\w"'\uE000-\uF8FF])([A-Za-z_][\w-]*\*?)(?![\w(])/g,
    instead: ([word = '']) => (languages.includes(word) ? word : JSON.stringify(word)),
    message: 'a word without quotes is a variable: write $*',
  },
  {
    pattern: /"([^"]*)$|'([^']*)$/g,
    instead: ([written = '']) => `${written.trimEnd()}${written[0]}`,
    message: 'this quote has no end',
  },
  { pattern: /\(([^()]*)$/g, instead: ([written]) => `${written})`, message: 'this ( has no )' },
  { pattern: /\[([^[\]]*)$/g, instead: ([written]) => `${written}]`, message: 'this [ has no ]' },
  { pattern: /[)\]}]/g, instead: () => '', message: 'this bracket closes nothing' },
];

/** Texts in quotes, each as a run of one letter that no language has: nothing in them is a slip. */
export function hideTexts(text: string): Hidden {
  const texts: string[] = [];
  const hidden = text.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, (quoted) => {
    const letter = String.fromCharCode(firstLetter + (texts.push(quoted) - 1));
    return letter.repeat(quoted.length);
  });
  return {
    text: hidden,
    restore: (changed) =>
      changed.replace(/([\uE000-\uF8FF])\1*/g, (_, letter) => texts[letter.charCodeAt(0) - firstLetter] ?? ''),
  };
}

const firstLetter = 0xe000;
