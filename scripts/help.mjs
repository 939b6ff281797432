// npm run help: what each script of package.json is for.
import { readFileSync } from 'node:fs';
import { suites } from './suites.mjs';

const about = {
  help: 'this list',
  quickstart: 'see it work: a private RabbitMQ, the daemon, a notification of every event, and where they went',
  relay: 'run the program from its sources: npm run -s relay -- COMMAND',
  test: 'all tests; npm test -- FILE runs one, and starts only the servers that it needs',
  'test:unit': 'the tests that need no server',
  'test:watch': 'the same again after each change, for what it touches',
  ...Object.fromEntries(Object.entries(suites).map(([name, suite]) => [`test:${name}`, suite.about])),
  check: 'every gate but the tests: types, lint and format, unused code, generated files, import directions',
  build: 'make dist/, which is what a release holds',
  release: 'build what a release consists of, into release/; npm run release -- PART builds one part',
  bench: 'measure it beside the barest program that does the same; npm run bench -- --help',
  schemas: 'write schemas/ from the catalogue of events',
  reference: 'write the reference of the configuration, and its schema, from the options',
  format: 'format the sources, and mend what the linter can',
};

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
const silent = Object.keys(scripts).filter((name) => !(name in about));
if (silent.length > 0) throw new Error(`scripts/help.mjs doesn't say what these are for: ${silent.join(', ')}`);
const width = Math.max(...Object.keys(scripts).map((name) => name.length));
for (const name of Object.keys(about)) if (name in scripts) console.log(`${name.padEnd(width)}  ${about[name]}`);
