// The suites beside `npm test`, which stays quick whatever comes: each has needs of its own, and is run by
// `npm run test:NAME`. The tests of a suite stand in test/suites/NAME; `long` has none there.
//
// node scripts/suites.mjs [BASE] prints the names of those that there are and that the commits since BASE touch, for .ci/run.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** By name: which paths concern it (they begin so), and the servers that it needs beside those that its files ask for. */
export const suites = {
  long: {
    about: 'the tests of properties, with twenty times as many random cases',
    paths: [
      'src/delivery/',
      'src/journal/',
      'src/kazoo/',
      'src/schema/',
      'test/delivery/',
      'test/journal/',
      'test/kazoo/',
    ],
  },
  page: { about: 'the web page, in a browser', paths: ['src/page/', 'test/suites/page/'] },
  sinks: { about: 'sinks that need a server of their own', paths: ['src/sinks/', 'test/suites/sinks/'] },
  cluster: { about: 'several daemons on one store', paths: ['src/journal/', 'src/delivery/', 'test/suites/cluster/'] },
  packages: {
    about: 'packages and images, built twice, installed and run',
    paths: [
      ...['deploy/', 'Dockerfile', 'docker-compose.yml', 'examples/', 'tools/'],
      ...['scripts/release/', 'scripts/schemas/', 'test/suites/packages/'],
    ],
  },
};

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
  const changed = changedSince(process.argv[2] || startOfChange());
  for (const [name, { paths }] of Object.entries(suites)) {
    const isTouched = changed.some((file) => paths.some((path) => file.startsWith(path)));
    if (isTouched && `test:${name}` in scripts) console.log(name);
  }
}

function changedSince(base) {
  return git('diff', '--name-only', base, 'HEAD').split('\n');
}

/** A clone doesn't say where the change began: the newest commit that is half a day older than the last one. */
function startOfChange() {
  const last = Number(git('log', '-1', '--format=%ct'));
  const before = git('rev-list', '-1', `--before=${last - 12 * 3_600}`, 'HEAD');
  // The empty tree, where all is new.
  return before || '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
}

function git(...args) {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}
