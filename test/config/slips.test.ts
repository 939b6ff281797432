import { describe, expect, test } from '@jest/globals';
import { excerptLines, findSlip, type Slip as TextSlip } from '../../src/common/text/slips.ts';
import { diagnosticLines } from '../../src/config/diagnostics.ts';
import { checkConfig } from '../../src/config/load.ts';
import { sinkDeclarations } from '../../src/sinks/declarations.ts';
import { configFolder, given } from '../support/config-folder.ts';

const folder = configFolder();
const broker = 'brokers: [{ zone: west, url: amqp://127.0.0.1 }]\n';
const log = 'sink: { type: log }';
const types = sinkDeclarations.map(({ type }) => type).join(', ');

/** Where in a configuration the slip is made. */
const places = {
  file: (text: string) => text,
  broker: (text: string) => `brokers:\n${indent(text, 2)}\nroutes: { all: { ${log} } }\n`,
  routes: (text: string) => `${broker}routes:\n${indent(text, 2)}\n`,
  route: (text: string) => `${broker}routes:\n  all:\n${indent(text, 4)}\n    ${log}\n`,
  where: (text: string) => `${broker}routes:\n  all:\n    where: |-\n${indent(text, 6)}\n    ${log}\n`,
  sink: (text: string) => `${broker}routes:\n  all:\n    sink:\n${indent(text, 6)}\n`,
  template: (text: string) =>
    `${broker}routes:\n  all:\n    sink:\n      type: webhook\n      url: https://a\n      format: template\n      template:\n        body: |-\n${indent(text, 10)}\n`,
  option: (text: string) => `${broker}routes: { all: { ${log} } }\n${text}\n`,
};

type Slip = readonly [place: keyof typeof places, written: string, message: string, fixed?: string];

/** What people wrote, what they are told, and the line as they meant it. */
const slips: readonly Slip[] = [
  ['file', 'brokers:\n\t- zone: west', 'line 2 is indented with a tab, and YAML takes only spaces', '  - zone: west'],
  ['broker', '- zone:west\n  url: amqp://h', 'a key needs a colon and a space behind it', '  - zone: west'],
  [
    'broker',
    '- zone: west\n  url:amqp://u:geheim@h',
    'a key needs a colon and a space behind it',
    '    url: amqp://…:…@…',
  ],
  ['broker', '-zone: west\n url: amqp://h', 'the dash of a list needs a space behind it', '  - zone: west'],
  ['broker', '- zone = west\n  url: amqp://h', 'a key needs a colon and a space behind it, not =', '  - zone: west'],
  ['broker', 'zone: west\nurl: amqp://h', 'brokers is a list: put a dash before each broker, - zone: west'],
  [
    'broker',
    '- zone: west\n  url: 10.0.0.1:5672',
    'brokers[0].url must be a URL such as amqp://user:password@host:5672 or amqps://…; amqp:// is missing in front',
  ],
  [
    'broker',
    '- zone: west\n  url: {{ url }}',
    'brokers[0].url must be a single value, not a mapping: to YAML, {{ begins one; put the value in quotes',
  ],
  [
    'broker',
    `- zone: west\n  url: amqp://u:\${PASSWORD}@h`,
    `brokers[0].url has a \${…} that means nothing; write \${env:PASSWORD}`,
  ],
  [
    'broker',
    '- zone: west\n  url: amqp://u:$PASSWORD@h',
    `brokers[0].url has $PASSWORD, which nothing replaces: write \${env:PASSWORD}, or %24 for a $ itself`,
  ],
  [
    'sink',
    'type: database\nurl: postgres://u:$DB_PASSWORD@h/d',
    `routes.all.sink.url has $DB_PASSWORD, which nothing replaces: write \${env:DB_PASSWORD}, or %24 for a $ itself`,
  ],
  ['broker', '- zone: west\n   url: amqp://h', 'line 3 is indented by 5, its neighbours by 4', '    url: amqp://…'],
  [
    'routes',
    'all:\n  sink: { type: webhook, url: https://a/{account_id} }',
    'a value with braces must be in quotes here',
    "    sink: { type: webhook, url: '…://…/{account_id}' }",
  ],
  ['option', 'queue: { name: a, type classic }', 'queue.type has no colon: a key needs one, and a space behind it'],
  [
    'where',
    'account_id == 2d3b9c1e8f7a46d5b0c4e6f81a92735d',
    `routes.all.where can't be used: an id is text, and stands in quotes, at character 15: "2d3b9c1e8f7a46d5b0c4e6f81a92735d"`,
    'account_id == "2d3b9c1e8f7a46d5b0c4e6f81a92735d"',
  ],
  ['option', 'queue: { name:relay }', 'queue.name needs a space behind its colon'],
  [
    'sink',
    'type: webhook\nurl: https://a\nauth: { bearer: { token geheim } }',
    'routes.all.sink.auth.bearer.token has no colon: a key needs one, and a space behind it',
  ],
  [
    'sink',
    'type: webhook\nurl: https://a\nauth: { bearer: { token:geheim } }',
    'routes.all.sink.auth.bearer.token needs a space behind its colon',
  ],
  ['route', 'evnts: [a]', 'routes.all.evnts is not an option; did you mean events?'],
  ['route', 'events [missed_call]', 'a key needs a colon and a space behind it', '    events: [missed_call]'],
  ['route', 'events: [missed_call', 'this [ has no ]', '    events: [missed_call]'],
  ['route', 'events: [missed_call]]', 'this ] closes nothing', '    events: [missed_call]'],
  ['route', 'events: [missed_call}', 'here ] must close what was opened, not }', '    events: [missed_call]'],
  [
    'route',
    'events: [missed_call,, voicemail_new]',
    'there is a comma too many',
    '    events: [missed_call, voicemail_new]',
  ],
  ['route', 'events: *', 'a value that begins with * must be in quotes', "    events: '*'"],
  [
    'route',
    'events: [voicemail_*, *]',
    'a value that begins with * must be in quotes',
    "    events: [voicemail_*, '*']",
  ],
  [
    'route',
    'events: missed_call, voicemail_new',
    'routes.all.events[0] "missed_call, voicemail_new" is one name: write [missed_call, voicemail_new]',
  ],
  [
    'route',
    'events: missed_call voicemail_new',
    'routes.all.events[0] "missed_call voicemail_new" is one name: write [missed_call, voicemail_new]',
  ],
  [
    'route',
    'events:\n  -missed_call\n  -voicemail_new',
    'routes.all.events[0] "-missed_call -voicemail_new" is one name: the dash of a list needs a space behind it',
  ],
  [
    'route',
    'events:\n  - missed_call\n - voicemail_new',
    'line 6 is indented by 5, its neighbours by 6',
    '      - voicemail_new',
  ],
  [
    'route',
    'events: [notifications.voicemail.new]',
    'routes.all.events[0] "notifications.voicemail.new" is a routing key: its event is voicemail_new',
  ],
  [
    'route',
    'events: [notifications.fax.#]',
    'routes.all.events[0] "notifications.fax.#" is a routing key: its events are inbound_fax, inbound_fax_error, outbound_fax, outbound_fax_error, outbound_smtp_fax_error',
  ],
  [
    'route',
    'events: [notifications.nothing.new]',
    'routes.all.events[0] "notifications.nothing.new" is a routing key, and events are selected by their names',
  ],
  [
    'route',
    'events: [Voicemail-New]',
    'routes.all.events[0] "Voicemail-New" is not in the catalogue of events; did you mean voicemail_new?',
  ],
  [
    'route',
    'events: [voicemail.new]',
    'routes.all.events[0] "voicemail.new" is not in the catalogue of events; did you mean voicemail_new?',
  ],
  [
    'route',
    'events: [missedCall]',
    'routes.all.events[0] "missedCall" is not in the catalogue of events; did you mean missed_call?',
  ],
  [
    'route',
    'events: [fax]',
    'routes.all.events[0] "fax" is a category: its events are inbound_fax, inbound_fax_error, outbound_fax, outbound_fax_error, outbound_smtp_fax_error',
  ],
  [
    'route',
    'events: [“missed_call”]',
    'routes.all.events[0] "“missed_call”" is not in the catalogue of events; did you mean missed_call?',
  ],
  [
    'route',
    'accounts: [12345678901234567890123456789012]',
    'routes.all.accounts[0] looks like a number to YAML: put it in quotes',
  ],
  [
    'route',
    'accounts: 12345678901234567890123456789012',
    'routes.all.accounts looks like a number to YAML: put it in quotes',
  ],
  [
    'route',
    'accounts: [1234567890123456789e123456789012]',
    'routes.all.accounts[0] looks like a number to YAML: put it in quotes',
  ],
  ['route', 'zones: [true]', 'routes.all.zones[0] looks like true to YAML: put it in quotes'],
  [
    'route',
    'where: "missed_call" == event',
    'what goes on behind a quote must be in quotes as a whole',
    '    where: \'"missed_call" == event\'',
  ],
  ['route', "where: 'it's'", "within '…', a ' is written twice", "    where: 'it''s'"],
  [
    'route',
    'where: data.a == "b: c"',
    'a value with a colon and a space in it must be in quotes',
    '    where: \'data.a == "b: c"\'',
  ],
  [
    'route',
    'where: "data.x.matches(\\"\\d+\\")"',
    'in double quotes, a backslash begins an escape: use single quotes',
    '    where: \'data.x.matches("\\d+")\'',
  ],
  ['route', 'where: !valid', 'a value that begins with ! must be in quotes', "    where: '!valid'"],
  ['route', 'where: "valid', 'this " has no end', '    where: "valid"'],
  ['route', 'where: \'event == "a"', "this ' has no end", '    where: \'event == "a"\''],
  ['route', '  start: now\nwhere: valid', 'line 5 is indented by 4, its neighbours by 6', '      where: valid'],
  ['route', '// a comment\nstart: now', 'a comment begins with #'],
  ['route', 'start: yesterday', 'routes.all.start must be now, earliest, or a time such as 2026-11-24T10:00:00Z'],
  [
    'route',
    'timeout: 1M',
    'routes.all.timeout has the unit M, which may be minutes or months: write 1m for minutes, 30d for months',
  ],
  [
    'route',
    'timeout: 30 sec',
    'routes.all.timeout must be a duration above 0, such as 500ms, 30s or 5m, 24d at most: write 30s',
  ],
  [
    'route',
    'timeout: 1,5h',
    'routes.all.timeout must be a duration above 0, such as 500ms, 30s or 5m, 24d at most: write 1.5h',
  ],
  ['route', 'timeout: 5', 'routes.all.timeout must have a unit, such as 5m, 30s or 500ms'],
  [
    'route',
    'retry: { schedule: [5s, 1 min] }',
    'routes.all.retry.schedule[1] must be a duration such as 500ms, 30s, 5m, 2h or 7d, 24d at most: write 1m',
  ],
  [
    'route',
    'retry: { schedule: [5s 30s] maxWait: 1h }',
    'a comma is missing before this entry',
    '    retry: { schedule: [5s 30s], maxWait: 1h }',
  ],
  ['routes', '- name: crm\n  sink: { type: log }', 'routes is a mapping: write crm:, not - name: crm'],
  ['routes', 'all\n  sink: { type: log }', 'a key needs a colon and a space behind it', '  …:'],
  ['routes', 'all:\n  sink: log', `routes.all.sink must be a mapping with a type: ${types}; write { type: log }`],
  [
    'routes',
    'all:\n  sink: type:log',
    `routes.all.sink must be a mapping with a type: ${types}; a key needs a space behind its colon, type: …`,
  ],
  [
    'routes',
    'all:\n  sink: { type:log }',
    `routes.all.sink must be a mapping with a type: ${types}; a key needs a space behind its colon, type: …`,
  ],
  ['routes', 'all:\n  sink: log\n    level: info', 'a key has either a value or entries below it', '    sink:'],
  [
    'routes',
    'all:\n  sink: { type: log level: info }',
    'a comma is missing before this entry',
    '    sink: { type: log, level: info }',
  ],
  ['routes', 'all:\n  sink: { type: log\nother:\n  sink: { type: log }', 'this { has no }', '    sink: { type: log }'],
  [
    'routes',
    `all:\n  sink: { type: webhook, url: \${env:URL} }`,
    'a value with braces must be in quotes here',
    `    sink: { type: webhook, url: '\${env:URL}' }`,
  ],
  ['sink', 'type: HTTP\nurl: https://a', 'routes.all.sink.type must be webhook: HTTP is the sink webhook'],
  [
    'sink',
    'type: postgres\nurl: postgres://a/b',
    'routes.all.sink.type must be database: Postgres is the sink database',
  ],
  ['sink', 'type: stdout', 'routes.all.sink.type must be log: stdout is the sink log'],
  ['sink', 'type: smtp\nurl: smtp://a', 'routes.all.sink.type must be email: SMTP is the sink email'],
  ...Object.entries({ email: 'smtps://a', amqp: 'amqp://a', syslog: 'udp://a:514', database: 'mysql://a/b' }).map(
    ([type, url]) =>
      [
        'sink',
        `url: ${url}`,
        `routes.all.sink must be a mapping with a type: ${types}; with such a url, type: ${type}`,
      ] as const,
  ),
  ['sink', 'type: csv\npath: a', 'routes.all.sink.type must be file: CSV is the sink file'],
  [
    'sink',
    'url: https://crm.example.com',
    `routes.all.sink must be a mapping with a type: ${types}; with such a url, type: webhook`,
  ],
  [
    'sink',
    'type: webhook\nurl: crm.example.com/hooks',
    'routes.all.sink.url must be a URL such as https://host/path; https:// is missing in front',
  ],
  [
    'sink',
    'type: webhook\nurl: https://a/{{ account_id }}',
    'routes.all.sink.url has {{ account_id }}: write {account_id}, in single braces',
  ],
  [
    'sink',
    'type: webhook\nurl: https://a/$TENANT/x',
    `routes.all.sink.url has $TENANT, which nothing replaces: write \${env:TENANT}, or %24 for a $ itself`,
  ],
  [
    'sink',
    'type: webhook\nurl: https://a\ntls: { verify: off }',
    'routes.all.sink.tls.verify must be true or false: write false',
  ],
  [
    'sink',
    'type: webhook\nurl: https://a\nauth:\n  bearer: { token: 123456 }',
    'routes.all.sink.auth.bearer.token looks like a number to YAML: put it in quotes',
  ],
  [
    'sink',
    'type: webhook\nurl: https://a\nformat: template\ntemplate:\n  body: |\n  { "a": 1 }',
    'the text behind | must be indented further than its key',
    '          { "a": 1 }',
  ],
  ['option', 'queue: { name: @relay }', 'a value that begins with @ must be in quotes', "queue: { name: '@…' }"],
  ['option', 'queue: { maxLength: 10_000 }', 'queue.maxLength must be a whole number above 0: write 10000'],
  ['option', 'queue: { maxLength: 10k }', 'queue.maxLength must be a whole number above 0: write 10000'],
  [
    'option',
    'journal: { maxSize: 10G }',
    'journal.maxSize must be a size above 0, such as 512KiB, 64MiB, 10GiB or 100MB: write 10GiB',
  ],
  [
    'option',
    'journal: { maxSize: 10 gbytes }',
    'journal.maxSize must be a size above 0, such as 512KiB, 64MiB, 10GiB or 100MB: write 10GiB',
  ],
  ['option', 'journal: { retention: 4 weeks }', 'journal.retention must be an age such as 12h, 30d or 365d: write 28d'],
  [
    'option',
    'journal: { retention: 1M }',
    'journal.retention has the unit M, which may be minutes or months: write 1m for minutes, 30d for months',
  ],
  [
    'option',
    'journal:\n  path: /a\n   retention: 30d',
    'line 5 is indented by 3, its neighbours by 2',
    '  retention: 30d',
  ],
  ['option', 'journal:\n  path: /a;\n  retention: [30d];', 'no comma or semicolon ends a line', '  retention: [30d]'],
  ['option', 'journal: {}\njournal: {}', 'this key is there twice in the same mapping'],
  [
    'where',
    'event = "missed_call"',
    'routes.all.where can\'t be used: to compare, write ==, at character 7: "= \\"missed_call\\""',
    'event == "missed_call"',
  ],
  [
    'where',
    'event === "missed_call"',
    'routes.all.where can\'t be used: to compare, write ==, at character 7: "=== \\"missed_call\\""',
    'event == "missed_call"',
  ],
  [
    'where',
    'event <> "missed_call"',
    'routes.all.where can\'t be used: unequal is written !=, at character 7: "<> \\"missed_call\\""',
    'event != "missed_call"',
  ],
  [
    'where',
    'event: "missed_call"',
    'routes.all.where can\'t be used: to compare, write ==, at character 6: ": \\"missed_call\\""',
    'event == "missed_call"',
  ],
  [
    'where',
    'event == missed_call',
    'routes.all.where can\'t be used: a word without quotes is a variable: write "missed_call", at character 10: "missed_call"',
    'event == "missed_call"',
  ],
  [
    'where',
    'event == "missed_call',
    'routes.all.where can\'t be used: this quote has no end, at character 10: "\\"missed_call"',
    'event == "missed_call"',
  ],
  [
    'where',
    'event == “missed_call”',
    'routes.all.where can\'t be used: quotes must be straight ones: "missed_call", at character 10: "“missed_call”"',
    'event == "missed_call"',
  ],
  [
    'where',
    'event == "a" and valid or zone == west',
    'routes.all.where can\'t be used: and is written &&, at character 14: "and valid or zone == west"',
    'event == "a" && valid || zone == "west"',
  ],
  [
    'where',
    'event == "a" & valid',
    'routes.all.where can\'t be used: and is written &&, at character 14: "& valid"',
    'event == "a" && valid',
  ],
  ['where', 'not valid', 'routes.all.where can\'t be used: not is written !, at character 1: "not valid"', '!valid'],
  [
    'where',
    '!event == "a"',
    'routes.all.where can\'t be used: unequal is written !=, at character 1: "!event == \\"a\\""',
    'event != "a"',
  ],
  [
    'where',
    'valid == True',
    'routes.all.where can\'t be used: write true in small letters, at character 10: "True"',
    'valid == true',
  ],
  [
    'where',
    'account_id == None',
    'routes.all.where can\'t be used: write null for nothing, at character 15: "None"',
    'account_id == null',
  ],
  [
    'where',
    'account_id is not null',
    'routes.all.where can\'t be used: to compare, write account_id != null, at character 1: "account_id is not null"',
    'account_id != null',
  ],
  [
    'where',
    'event in ("a", "b")',
    'routes.all.where can\'t be used: a list has brackets: in ["a", "b"], at character 10: "(\\"a\\", \\"b\\")"',
    'event in ["a", "b"]',
  ],
  [
    'where',
    'event not in ["a", "b"]',
    'routes.all.where can\'t be used: not in is written !(event in ["a", "b"]), at character 1: "event not in [\\"a\\", \\"b\\"]"',
    '!(event in ["a", "b"])',
  ],
  [
    'where',
    'event == "a", valid',
    'routes.all.where can\'t be used: conditions are joined by && or ||, not by a comma, at character 13: ", valid"',
    'event == "a" && valid',
  ],
  [
    'where',
    '(event == "a"',
    'routes.all.where can\'t be used: this ( has no ), at character 1: "(event == \\"a\\""',
    '(event == "a")',
  ],
  [
    'where',
    'event == "a")',
    'routes.all.where can\'t be used: this bracket closes nothing, at character 13: ")"',
    'event == "a"',
  ],
  [
    'where',
    'event == "a";',
    'routes.all.where can\'t be used: no ; ends a condition, at character 13: ";"',
    'event == "a"',
  ],
  [
    'where',
    'event == "a" &&',
    'routes.all.where can\'t be used: nothing follows behind the last && or ||, at character 14: "&&"',
    'event == "a"',
  ],
  [
    'where',
    'if event == "a"',
    'routes.all.where can\'t be used: a condition stands for itself, without if, at character 1: "if event == \\"a\\""',
    'event == "a"',
  ],
  [
    'where',
    '{{ event == "a" }}',
    'routes.all.where can\'t be used: a condition stands without {{ and }}, at character 1: "{{ event == \\"a\\" }}"',
    'event == "a"',
  ],
  [
    'where',
    'event == "a" # why',
    'routes.all.where can\'t be used: a comment in a condition begins with //, at character 14: "# why"',
    'event == "a" // why',
  ],
  [
    'where',
    'caller_id_number == "1"',
    'routes.all.where can\'t be used: caller_id_number is a field of the body: write data.caller_id_number, at character 1: "caller_id_number == \\"1\\""',
    'data.caller_id_number == "1"',
  ],
  [
    'where',
    'body.caller_id_number == "1"',
    'routes.all.where can\'t be used: the body of a notification is called data: write data., at character 1: "body.caller_id_number == \\"1\\""',
    'data.caller_id_number == "1"',
  ],
  [
    'where',
    'data.Caller-ID-Number == "1"',
    'routes.all.where can\'t be used: fields are written with _ and in small letters: caller_id_number, at character 6: "Caller-ID-Number == \\"1\\""',
    'data.caller_id_number == "1"',
  ],
  [
    'where',
    'acount_id == "a"',
    'routes.all.where can\'t be used: there is no variable acount_id: did you mean account_id?, at character 1: "acount_id == \\"a\\""',
    'account_id == "a"',
  ],
  [
    'where',
    'data.to.includes("a")',
    'routes.all.where can\'t be used: there is no function includes(): it is called contains(), at character 9: "includes(\\"a\\")"',
    'data.to.contains("a")',
  ],
  [
    'where',
    'data.caller_id_number.startswith("+49")',
    'routes.all.where can\'t be used: there is no function startswith(): it is called startsWith(), at character 23: "startswith(\\"+49\\")"',
    'data.caller_id_number.startsWith("+49")',
  ],
  [
    'where',
    'data.caller_id_name.toLowerCase() == "a"',
    'routes.all.where can\'t be used: there is no function toLowerCase(): it is called lowerAscii(), at character 21: "toLowerCase() == \\"a\\""',
    'data.caller_id_name.lowerAscii() == "a"',
  ],
  [
    'where',
    'len(data.caller_id_number) > 3',
    'routes.all.where can\'t be used: there is no function len(): it is called size(), at character 1: "len(data.caller_id_number) > 3"',
    'size(data.caller_id_number) > 3',
  ],
  [
    'where',
    'data.caller_id_number startsWith "+49"',
    'routes.all.where can\'t be used: startsWith is a function: write data.caller_id_number.startsWith("+49"), at character 1: "data.caller_id_number startsWith \\"+49\\""',
    'data.caller_id_number.startsWith("+49")',
  ],
  [
    'where',
    'data.caller_id_number =~ "^[+]49"',
    'routes.all.where can\'t be used: =~ is a function: write data.caller_id_number.matches("^[+]49"), at character 1: "data.caller_id_number =~ \\"^[+]49\\""',
    'data.caller_id_number.matches("^[+]49")',
  ],
  [
    'where',
    'data.caller_id_number == /^[+]49/',
    'routes.all.where can\'t be used: a pattern is asked with matches(): data.caller_id_number.matches("^[+]49"), at character 1: "data.caller_id_number == /^[+]49/"',
    'data.caller_id_number.matches("^[+]49")',
  ],
  [
    'where',
    'data.caller_id_number.matches("(")',
    'routes.all.where can\'t be used: the pattern is not a regular expression of RE2: error parsing regexp: missing closing ): `(`, at character 31: "\\"(\\")"',
  ],
  [
    'where',
    'has(account_id)',
    'routes.all.where can\'t be used: has() asks for a field such as data.to; what every notification has is compared: account_id != null, at character 1: "has(account_id)"',
    'account_id != null',
  ],
  [
    'where',
    'zone',
    'routes.all.where can\'t be used: it gives a value of the type string, not true or false: compare it, at character 1: "zone"',
  ],
  [
    'where',
    'size(data)',
    'routes.all.where can\'t be used: it gives a value of the type int, not true or false: compare it, at character 1: "size(data)"',
  ],
  ['where', 'now() > 1', 'routes.all.where can\'t be used: there is no function now(), at character 1: "now() > 1"'],
  ['template', '{{ data.to }', 'routes.all.sink.template.body this {{ needs }} at its end', '{{ data.to }}'],
  ['template', '{{ data.to', 'routes.all.sink.template.body this {{ has no }}', '{{ data.to }}'],
  [
    'template',
    '{% if event }a{% endif %}',
    'routes.all.sink.template.body this {% needs %} at its end',
    '{% if event %}a{% endif %}',
  ],
  [
    'template',
    '{% if event %}a',
    'routes.all.sink.template.body this {% if %} has no {% endif %}',
    '{% if event %}a{% endif %}',
  ],
  [
    'template',
    '{% if event %}a{% end %}',
    'routes.all.sink.template.body a block that begins with if ends with {% endif %}',
    '{% if event %}a{% endif %}',
  ],
  [
    'template',
    '{% if event %}a{% else if zone %}b{% endif %}',
    'routes.all.sink.template.body else if is written elsif',
    '{% if event %}a{% elsif zone %}b{% endif %}',
  ],
  [
    'template',
    '{% if event = "a" %}a{% endif %}',
    'routes.all.sink.template.body to compare, write ==',
    '{% if event == "a" %}a{% endif %}',
  ],
  [
    'template',
    '{% if event == "a" && zone == "b" %}a{% endif %}',
    'routes.all.sink.template.body in a template, && is written and',
    '{% if event == "a" and zone == "b" %}a{% endif %}',
  ],
  [
    'template',
    '{% if event == “a” %}a{% endif %}',
    'routes.all.sink.template.body quotes must be straight ones: "a"',
    '{% if event == "a" %}a{% endif %}',
  ],
  [
    'template',
    '{% if !event %}a{% endif %}',
    'routes.all.sink.template.body in a template, ! is written not',
    '{% if not event %}a{% endif %}',
  ],
  [
    'template',
    '{% if (event or zone) and node %}a{% endif %}',
    'routes.all.sink.template.body conditions of a template have no brackets: of and and or, the last counts first',
  ],
  [
    'template',
    '{{#if event}}a{{/if}}',
    'routes.all.sink.template.body a block is written {% if event %}',
    '{% if event %}a{% endif %}',
  ],
  ['template', '{% set a = 1 %}', 'routes.all.sink.template.body a variable is set with assign', '{% assign a = 1 %}'],
  [
    'template',
    '{% for t of data.to %}a{% endfor %}',
    'routes.all.sink.template.body a loop is written for … in',
    '{% for t in data.to %}a{% endfor %}',
  ],
  [
    'template',
    '{{ data.to | upper }}',
    'routes.all.sink.template.body there is no filter upper; there is upcase',
    '{{ data.to | upcase }}',
  ],
  [
    'template',
    '{{ data.to | truncat: 3 }}',
    'routes.all.sink.template.body there is no filter truncat; there is truncate',
    '{{ data.to | truncate: 3 }}',
  ],
  [
    'template',
    '{{ data.to | default "a" }}',
    'routes.all.sink.template.body the value of a filter stands behind a colon',
    '{{ data.to | default: "a" }}',
  ],
  [
    'template',
    '{{ data.to | default("a") }}',
    'routes.all.sink.template.body the value of a filter stands behind a colon: | default: "a"',
    '{{ data.to | default: "a" }}',
  ],
  [
    'template',
    '{{ data.to || "a" }}',
    'routes.all.sink.template.body what stands in for nothing is written | default:',
    '{{ data.to | default: "a" }}',
  ],
  [
    'template',
    '{{ data.n + 1 }}',
    'routes.all.sink.template.body a template counts with filters: | plus:',
    '{{ data.n | plus: 1 }}',
  ],
  ['template', '{% endif %}', 'routes.all.sink.template.body this belongs to no block'],
];

describe('a slip is told in the words of what was done', () => {
  test.each(slips.map((slip) => [slip] as const))('%j', ([place, written, message, fixed]) => {
    const { errors, warnings } = checkConfig(folder.write('relay.yaml', places[place](written)), given({}));
    // Only the first of a cascade.
    expect(errors.length).toBeLessThanOrEqual(1);
    const [told] = [...errors, ...warnings];
    expect(`${told?.option ?? ''} ${told?.message ?? ''}`.trim()).toBe(message);
    expect(told?.excerpt?.fixed).toBe(fixed);
    expect(JSON.stringify([errors, warnings])).not.toContain('geheim');
  });

  test('of which there are at least 80', () => {
    expect(slips.length).toBeGreaterThanOrEqual(80);
  });
});

test('the line stands below with a caret, and as it was meant', () => {
  const file = folder.write('relay.yaml', places.where('zone = "west"'));
  expect(checkConfig(file, given({})).errors.flatMap(diagnosticLines)).toEqual([
    `${file}:4:5: routes.all.where can't be used: to compare, write ==, at character 6: "= \\"west\\""`,
    '  zone = "west"',
    '       ^',
    'write:',
    '  zone == "west"',
  ]);
});

test.each([1, 30, 75, 100, 150])(
  'the caret stands under the place %i of a line that is too long for the terminal',
  (column) => {
    const line = [...'abcdefghij'.repeat(15)].map((letter, index) => (index === column - 1 ? '!' : letter)).join('');
    const [shown = '', caret = ''] = excerptLines({ line, column }, 60);
    expect(shown).toHaveLength(60);
    expect(shown.indexOf('!')).toBe(caret.indexOf('^'));
    expect([shown.startsWith('  …'), shown.endsWith('…')]).toEqual([column > 30, column < 121]);
    expect(excerptLines({ line, column })[0]).toBe(`  ${line}`);
  },
);

test('of a line that can’t be read, nothing is shown that may be a secret', () => {
  const lines = [
    'url:amqp://relay:geheim@10.0.0.1 # geheim',
    'password:geheim',
    '- { zone: west, url: "amqp://relay:geheim@10.0.0.1 }',
    'auth: { bearer: { token: geheim, } ]',
    'headers: { X-Key: geheim, Y: [geheim }',
    'token geheim',
    'geheim',
    'path: "geheim',
  ];
  for (const line of lines) {
    const file = folder.write('relay.yaml', `brokers:\n  - zone: west\n    ${line}\n    a: b\n`);
    const { errors } = checkConfig(file, given({}));
    expect(errors).toHaveLength(1);
    expect(
      errors
        .flatMap(diagnosticLines)
        .join('\n')
        .replace(/path: .*/g, ''),
    ).not.toContain('geheim');
  }
});

test('a text with very many places for slips is given up', () => {
  let tries = 0;
  const words: TextSlip = { pattern: /x/g, instead: () => 'y', message: 'never' };
  const found = findSlip('x '.repeat(100_000), [words], () => {
    tries += 1;
    return 0;
  });
  expect(found).toBeUndefined();
  expect(tries).toBeLessThanOrEqual(500);
});

test('one name stands without its list, in every option that is one', () => {
  const file = folder.write(
    'relay.yaml',
    `include: conf.d/*.yaml\nvalidation: { schemas: /etc/schemas, accept: { topup: /amount } }\n${places.route('events: missed_call\nzones: west\nreveal: password\nshape: { pick: data }')}`,
  );
  const { config, errors } = checkConfig(file, given({}));
  expect(errors).toEqual([]);
  expect(config).toMatchObject({
    include: ['conf.d/*.yaml'],
    validation: { schemas: ['/etc/schemas'], accept: { topup: ['/amount'] } },
  });
  const of = { events: ['missed_call'], zones: ['west'], reveal: ['password'], shape: { pick: ['data'] } };
  expect(config?.routes).toMatchObject([of]);
});

test('what several routes have in common is merged into them, as YAML has it', () => {
  const routes =
    'a: &base\n  events: [missed_call]\n  timeout: 5s\n  sink: { type: log }\nb:\n  <<: *base\n  timeout: soon';
  const { errors } = checkConfig(folder.write('relay.yaml', places.routes(routes)), given({}));
  expect(errors).toMatchObject([{ option: 'routes.b.timeout', line: 9 }]);
  const { config } = checkConfig(folder.write('relay.yaml', places.routes(routes.replace('soon', '9s'))), given({}));
  expect(config?.routes).toMatchObject([
    { name: 'a', events: ['missed_call'], timeout: 5_000 },
    { name: 'b', events: ['missed_call'], timeout: 9_000, sink: { type: 'log' } },
  ]);
});

function indent(text: string, spaces: number): string {
  return text.replaceAll(/^/gm, ' '.repeat(spaces));
}
