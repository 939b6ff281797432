// node scripts/build.mjs: makes dist/ of src/ and of the libraries that it imports. What is native, and what src/ loads
// with `require` because few need it, stays in node_modules. A daemon that had to find and read some 600 files there
// would take half as long again to start, and 12 MiB more memory.
import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  // What is imported when it is needed stays in a file of its own.
  splitting: true,
  chunkNames: 'parts/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // Libraries that are CommonJS ask for parts of Node with it.
  banner: {
    js: "import { createRequire as requireIn } from 'node:module'; const require = requireIn(import.meta.url);",
  },
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'linked',
  // As in Node's own build of undici: without the second parser of HTTP/1, which nobody asks for.
  define: { esbuildDetection: 'true' },
  plugins: [{ name: 'late', setup: loadLate }],
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
});
// One character beyond Latin-1 makes V8 keep a whole file at two bytes each. esbuild escapes them in texts, not in patterns.
for (const file of globSync('dist/**/*.js'))
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/[\u0100-\uffff]/g, escaped));
chmodSync('dist/main.js', 0o755);

function escaped(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * What two libraries load with themselves is loaded by the first connection that needs it: TLS and all certificates that
 * Node knows by a broker's, HTTP/2 by a receiver's. Where none does, 3 MiB and 20 ms stay unused.
 */
function loadLate({ onResolve, onLoad }) {
  onResolve({ filter: /^node:tls$/ }, ({ importer }) =>
    /\/amqplib\/lib\/connect\.js$/.test(importer) ? { path: 'connect', namespace: 'late-tls' } : undefined,
  );
  onLoad({ filter: /^/, namespace: 'late-tls' }, ({ path }) => ({
    contents: `exports.${path} = (...given) => process.getBuiltinModule('node:tls').${path}(...given);`,
  }));
  onResolve({ filter: /^\.\/client-h2\.js$/ }, ({ path, resolveDir }) => ({
    path: relative('.', join(resolveDir, path)),
    namespace: 'late-module',
  }));
  onLoad({ filter: /^/, namespace: 'late-module' }, ({ path }) => ({
    contents: `module.exports = (...given) => require('./${path}')(...given);`,
    resolveDir: '.',
  }));
}
