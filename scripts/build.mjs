// node scripts/build.mjs: makes dist/ of src/ and of the libraries that it imports. What is native, and what src/ loads
// with `require` because few need it, stays in node_modules. A daemon that had to find and read some 600 files there
// would take half as long again to start, and 12 MiB more memory.
import { chmodSync, rmSync } from 'node:fs';
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
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
});
chmodSync('dist/main.js', 0o755);
