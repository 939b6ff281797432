import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface Build {
  /** As it was asked for, and the commit where it is one. */
  readonly name: string;
  /** dist/main.js of it. */
  readonly program: string;
}

/** @param name a folder that holds dist/, or a commit of this repository, which is built in `folder` */
export async function openBuild(name: string, folder: string, signal: AbortSignal): Promise<Build> {
  const program = resolve(name, 'dist/main.js');
  if (existsSync(program)) return { name, program };
  const commit = await run('git', ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], {
    signal,
  }).catch(() => {
    signal.throwIfAborted();
    throw new Error(`${name} is neither a folder that holds dist/main.js nor a commit of this repository`);
  });
  return { name: `${name} (${commit.slice(0, 10)})`, program: await buildOf(commit, folder, signal) };
}

/** The commit's files are written without a worktree: that would be known to the repository, also after a kill. */
async function buildOf(commit: string, folder: string, signal: AbortSignal): Promise<string> {
  const source = join(folder, commit);
  const program = join(source, 'dist/main.js');
  if (existsSync(program)) return program;
  mkdirSync(source, { recursive: true });
  const env = { ...process.env, GIT_INDEX_FILE: join(folder, `${commit}.index`) };
  await run('git', ['read-tree', commit], { env, signal });
  await run('git', ['checkout-index', '--all', `--prefix=${source}/`], { env, signal });
  if (sameIn('package-lock.json', source)) symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'));
  else
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: source,
      signal,
    });
  await run(process.execPath, ['scripts/build.mjs'], { cwd: source, signal });
  return program;
}

function sameIn(file: string, source: string): boolean {
  return readFileSync(join(root, file)).equals(readFileSync(join(source, file)));
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** Returns what it writes to stdout, trimmed. @throws when it fails */
async function run(
  command: string,
  args: readonly string[],
  { cwd = root, env = process.env, signal }: RunOptions,
): Promise<string> {
  const child = spawn(command, args, { cwd, env, signal, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} has failed in ${cwd}`);
  return output.trim();
}
