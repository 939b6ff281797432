import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';

/**
 * Which rooms a room may look into, beside itself: cli → relay → {broker, delivery, page} → ops → {journal, routes, schema,
 * sinks} → kazoo → notification. `config` is read by cli and relay, which hand its values on.
 */
const doors: Record<string, readonly string[]> = {
  main: ['cli'],
  cli: ['relay', 'config', 'broker', 'ops', 'journal', 'routes', 'schema', 'sinks', 'notification', 'kazoo'],
  relay: [
    'config',
    'broker',
    'delivery',
    'page',
    'ops',
    'journal',
    'routes',
    'schema',
    'sinks',
    'notification',
    'kazoo',
  ],
  config: ['routes', 'sinks', 'notification', 'kazoo'],
  broker: ['journal', 'notification', 'kazoo'],
  delivery: ['journal', 'routes', 'sinks', 'notification'],
  page: ['ops', 'journal', 'notification'],
  ops: ['journal'],
  routes: ['notification', 'kazoo'],
  journal: ['notification', 'kazoo'],
  schema: ['notification', 'kazoo'],
  sinks: ['notification', 'kazoo'],
  kazoo: ['notification'],
  notification: [],
  // Every room may use it, and it uses none.
  common: [],
};

/** Libraries and parts of Node, and the only places below src/ that may know them: folders end in a slash. */
const keys: Record<string, readonly string[]> = {
  // The publisher is what `publish` sends by: nothing else of the command line speaks to a broker by itself. A sink speaks to
  // one of the operator's own.
  amqplib: ['broker/', 'sinks/amqp/', 'common/net/', 'cli/support/publisher.ts'],
  'node:sqlite': ['journal/sqlite/', 'sinks/database/sqlite/'],
  pg: ['sinks/database/postgres/', 'journal/postgres/'],
  mysql2: ['sinks/database/mysql/'],
  // The formats that options may have, and the form in which they are declared.
  convict: ['config/formats.ts', 'config/check/check.ts', 'common/options/declare.ts'],
  ajv: ['schema/files.ts', 'schema/problems.ts', 'schema/validator.ts'],
  commander: ['cli/'],
  fastify: ['ops/http-port.ts', 'ops/http-server.ts', 'page/'],
  'prom-client': ['ops/metrics.ts'],
  koffi: ['ops/systemd.ts', 'sinks/syslog/unix-datagrams.ts'],
  'pino-pretty': ['ops/log.ts'],
  yaml: ['config/read/', 'config/describe/show.ts'],
  undici: ['sinks/http/', ...['auth', 'connection-test', 'http', 'oauth'].map((name) => `sinks/webhook/${name}.ts`)],
  aws4fetch: ['sinks/s3/'],
  nodemailer: ['sinks/email/connection.ts', 'sinks/email/message.ts'],
  liquidjs: ['sinks/template/template.ts'],
  standardwebhooks: ['sinks/webhook/auth.ts'],
  oauth4webapi: ['sinks/webhook/oauth.ts'],
  'ipaddr.js': ['sinks/http/'],
  '@marcbachmann/cel-js': ['cel', 'condition', 'condition-reads', 'condition-reason', 'bounds'].map(
    (name) => `routes/${name}.ts`,
  ),
  re2js: ['common/text/patterns.ts', 'routes/bounds.ts'],
};

/** What src/kazoo and src/notification may use: all that touches nothing outside the process. */
const pure = [
  ...['node:buffer', 'node:crypto', 'node:zlib', 'src/common/json.ts', 'src/common/text/format.ts'],
  ...['src/kazoo/', 'src/notification/'],
];

/** What the daemon loads only for a route, a log or a command that needs it: the start and the memory of all others pay nothing. */
const loadedLate = [
  ...['undici', 'aws4fetch', 'pg', 'mysql2', 'oauth4webapi', 'pino-pretty', 'fastify', 'prom-client'],
  ...['liquidjs', 'nodemailer', '@marcbachmann/cel-js', 're2js'],
];

/** Parts of Node with exports that load more once they are read, as an import does: `process.getBuiltinModule` reads none. */
const readWhole = ['node:http', 'node:https', 'node:tls'];

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
  /** When the file itself is loaded; `never` for types, which are erased. */
  readonly when: 'with it' | 'later' | 'never';
}

const files = globSync('src/**/*.ts');
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
const importing = /^(?:import|export)( type)?\b[^;]*?from '([^']+)'|\b(?:import|require)\('([^']+)'\)/gm;
const imports = files.flatMap(importsOf);
const byFile = Map.groupBy(imports, ({ file }) => file);

describe('the house', () => {
  test('has no import but through its doors', () => {
    const wrong = imports.filter(({ room, target }) => {
      if (!target.startsWith('src/')) return false;
      const other = roomOf(target);
      return other !== room && other !== 'common' && !doors[room]?.includes(other);
    });
    expect(wrong).toEqual([]);
  });

  test('has no file that leads back to itself, be it for a type or later', () => {
    expect(files.filter((file) => reachedFrom(targetsOf(file)).has(file))).toEqual([]);
  });

  test('reads a configuration by what sinks declare, and loads nothing that opens one', () => {
    const declaring = /^src\/sinks\/(.*\/)?(declarations?|options)\.ts$/;
    const opening = /^src\/sinks\/(registry|.*\/(sink|database))\.ts$/;
    const own = files.filter((file) => roomOf(file) === 'config');
    const direct = imports.filter(({ room, target }) => room === 'config' && target.startsWith('src/sinks/'));
    expect(direct.filter(({ target }) => !declaring.test(target))).toEqual([]);
    expect([...reachedFrom(own, 'with it')].filter((file) => opening.test(file))).toEqual([]);
  });

  test('has each library in the rooms that it belongs to', () => {
    const wrong = imports.filter(({ file, target }) => {
      const key = Object.keys(keys).find((name) => target === name || target.startsWith(`${name}/`));
      return key !== undefined && !keys[key]?.some((place) => file.startsWith(`src/${place}`));
    });
    expect(wrong).toEqual([]);
  });

  test('keeps src/kazoo and src/notification pure: no input, no output, no library', () => {
    const isPure = (target: string) => pure.some((name) => target.startsWith(name));
    const wrong = imports.filter(({ room, target }) => ['kazoo', 'notification'].includes(room) && !isPure(target));
    expect(wrong).toEqual([]);
  });

  test('loads no library with the daemon that not every daemon needs', () => {
    const loaded = reachedFrom(['src/main.ts', 'src/cli/commands/run.ts'], 'with it');
    const isLoaded = (library: string) =>
      [...loaded].some((target) => target === library || target.startsWith(`${library}/`));
    expect(isLoaded('pino')).toBe(true);
    expect(loadedLate.filter(isLoaded)).toEqual([]);
  });

  test('imports no part of Node, and no main file of a library, that loads what is not used', () => {
    const wrong = [...readWhole, 'undici'];
    expect(imports.filter(({ target, when }) => when !== 'never' && wrong.includes(target))).toEqual([]);
  });

  test('loads what mends a damaged journal only when that is asked for', () => {
    const recovery = (file: string) => file.startsWith('src/journal/sqlite/recovery/');
    expect([...reachedFrom(['src/main.ts', 'src/cli/commands/run.ts'], 'with it')].filter(recovery)).toEqual([]);
    const doors = imports.filter(({ file, target }) => !recovery(file) && recovery(target));
    expect(doors).toMatchObject([{ file: 'src/journal/sqlite/store.ts', when: 'later' }]);
  });

  test('never publishes to a broker outside of the command line and the sink that is made for it', () => {
    const wrong = files.filter(
      (file) =>
        roomOf(file) !== 'cli' &&
        !file.startsWith('src/sinks/amqp/') &&
        /\.(publish|sendToQueue)\(/.test(readFileSync(file, 'utf8')),
    );
    expect(wrong).toEqual([]);
  });

  test('has the journal behind its doors, and SQL nowhere but where something is stored', () => {
    const roles = ['journal', 'route-session', 'reader', 'operator-store', 'entry', 'logins'];
    const doors = ['open', ...roles].map((name) => `src/journal/${name}.ts`);
    const around = imports.filter(
      ({ room, target }) => room !== 'journal' && target.startsWith('src/journal/') && !doors.includes(target),
    );
    expect(around).toEqual([]);
    const sql = /\b(SELECT .* FROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET|PRAGMA)\b/;
    const wrong = files.filter(
      (file) => !/^src\/(journal|sinks\/database)\//.test(file) && sql.test(readFileSync(file, 'utf8')),
    );
    expect(wrong).toEqual([]);
  });

  test('knows a store of the journal only where that is opened, and tests one only where its files are meant', () => {
    const store = /^src\/journal\/sqlite\//;
    const within = imports.filter(({ file, target }) => store.test(target) && !store.test(file));
    expect(within).toMatchObject([{ file: 'src/journal/open.ts', target: 'src/journal/sqlite/store.ts' }]);
    const others = globSync(['{test,bench,scripts}/**/*.ts']).flatMap(importsOf);
    const around = others.filter(({ file, target }) => store.test(target) && !file.startsWith('test/journal/sqlite/'));
    expect(around).toEqual([]);
  });

  test('is spoken of as it is: whoever names one of its files by its path names one that is there', () => {
    const texts = globSync(['{src,test,bench,scripts,config,deploy,docs}/**/*.{ts,mjs,sh,md,yaml}', '*.{md,yml}']);
    const named = texts.flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      const made = codeIn(text, 'ts').map(({ path }) => path);
      const paths = [...text.matchAll(/(?<![\w-]\/)\b(?:src|scripts|docs)\/[\w/-]+\.(?:ts|mjs|md)\b/g)].map(
        ([path]) => path,
      );
      return paths.filter((path) => !made.includes(path)).map((path) => ({ file, path }));
    });
    expect(named.filter(({ path }) => !existsSync(path))).toEqual([]);
  });

  test('has no file without a room', () => {
    expect(files.map(roomOf).filter((room) => !(room in doors))).toEqual([]);
  });
});

describe('the documentation', () => {
  const pages = new Map(
    globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', '.github/*.md']).map((page) => [
      page,
      readFileSync(page, 'utf8'),
    ]),
  );

  test('has links that lead to a file and a heading', () => {
    const links = [...pages].flatMap(([page, text]) =>
      [...text.matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)].map(([link, path = '', heading = '']) => {
        const target = path === '' ? page : join(dirname(page), path);
        return { page, link, target, heading };
      }),
    );
    expect(links.length).toBeGreaterThan(50);
    expect(links.filter(({ target, heading }) => !leads(target, heading))).toEqual([]);
  });

  test('shows changes of files that have what is changed, or were changed so, at one place', () => {
    const hunks = [...pages.values()].flatMap((text) =>
      codeIn(text, 'diff').flatMap(({ path, code }) => code.split('@@\n').map((hunk) => ({ path, hunk }))),
    );
    expect(hunks.length).toBeGreaterThan(10);
    const fits = ({ path, hunk }: { path: string; hunk: string }) =>
      ['+', '-'].some((left) => readFileSync(path, 'utf8').split(without(left, hunk)).length === 2);
    expect(hunks.filter((hunk) => !fits(hunk))).toEqual([]);
  });

  test('says how other code was tried: in its section, or at the head of the page', () => {
    const untold = [...pages].flatMap(([page, text]) => {
      const [head = '', ...sections] = sectionsOf(text);
      if (isTold(head)) return [];
      return [head, ...sections]
        .filter((section) => !isTold(section) && hasOtherCode(section))
        .map((section) => ({ page, section }));
    });
    expect(untold).toEqual([]);
  });

  function isTold(text: string): boolean {
    const [, how, by = ''] = /<!-- (tried|tested): (\S+)[^>]* -->/.exec(text) ?? [];
    return how === 'tried' || (how === 'tested' && existsSync(by));
  }

  function leads(target: string, heading: string): boolean {
    return heading === '' ? existsSync(target) : headingsOf(pages.get(target) ?? '').includes(heading);
  }
});

/** The blocks of code in a page that name a file beside their language: `ts` for one to be made, `diff` for a change. */
function codeIn(page: string, language: 'ts' | 'diff'): { path: string; code: string }[] {
  const blocks = page.matchAll(new RegExp(`^\`\`\`${language} (\\S+)\\n(.*?)^\`\`\`$`, 'gms'));
  return [...blocks].map(([, path = '', code = '']) => ({ path, code }));
}

/** A block of code: between fences, or indented after an empty line; in lists too. */
const block = /^ *```(.*)\n((?:.*\n)*?) *```$|(?<=\n\n)(?: {4}.*\n|\n(?= {4}))+/gm;

function sectionsOf(page: string): string[] {
  return page
    .replaceAll(block, (code) => code.replaceAll(/^#/gm, ' #'))
    .split(/^(?=##? )/m)
    .filter((text) => text !== '');
}

/** Code that no other test compares with the program, as is done with YAML, our command lines and what names a file. */
function hasOtherCode(section: string): boolean {
  return [...section.matchAll(block)].some(([all, language = '', code = all]) => {
    const isCompared = /^(yaml|mermaid|md)$|^(ts|diff) /.test(language);
    return !isCompared && !code.trim().split('\n').every(isCommand);
  });
}

function isCommand(line: string): boolean {
  const [, script] = /^ *(?:\w+=\S+ )*npm (?:run )?(?:-s )?([\w:]+)/.exec(line) ?? [];
  return script === undefined ? /^ *(\$ )?(sudo )?kazoo-relay [^|]*$/.test(line) : script in scripts;
}

/** One side of a hunk of a diff: what it is without the lines that begin so. */
function without(sign: string, hunk: string): string {
  const lines = hunk.split('\n').filter((line) => !line.startsWith(sign));
  return lines.map((line) => line.slice(1)).join('\n');
}

/** As their links name them. */
function headingsOf(page: string): string[] {
  const headings = page.replaceAll(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

function importsOf(file: string): Import[] {
  return [...readFileSync(file, 'utf8').matchAll(importing)].map(([, type, above, within = '']) => {
    const target = above ?? within;
    const when = above === undefined ? 'later' : type === undefined ? 'with it' : 'never';
    return { file, room: roomOf(file), target: target.startsWith('.') ? join(dirname(file), target) : target, when };
  });
}

/** These, and all that they lead to. */
function reachedFrom(starts: readonly string[], when?: Import['when']): Set<string> {
  const reached = new Set(starts);
  // A set may grow while it is walked through.
  for (const file of reached) for (const target of targetsOf(file, when)) reached.add(target);
  return reached;
}

function targetsOf(file: string, when?: Import['when']): string[] {
  const own = byFile.get(file) ?? [];
  return own.filter((one) => when === undefined || one.when === when).map(({ target }) => target);
}

/** The folder below src, or the name of a file that stands there by itself. */
function roomOf(file: string): string {
  const [room = ''] = relative('src', file).split('/');
  return room.replace(/\.ts$/, '');
}
