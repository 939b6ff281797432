import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A root that nobody has booted, into which rpm and dnf of this machine install, with scriptlets. */
export interface RpmRoot {
  readonly folder: string;
  rpm(...args: string[]): string;
  /** @param repository the folder that deploy/packages/repository.sh made, or one like it */
  dnf(repository: string, ...args: string[]): string;
  /** Runs a line of shell in it. */
  sh(line: string): string;
}

/**
 * @param source a folder with Debian, which is copied
 * @param key the file with the public key that its repositories must be signed with
 * @param base the repository with what Rocky Linux has itself; none where it is left out
 */
export function makeRpmRoot(source: string, folder: string, key: string, base?: string): RpmRoot {
  execFileSync('cp', ['--archive', '--reflink=auto', source, folder]);
  // Of the machine that it is copied from, which runs.
  const dnf = `${folder}-dnf`;
  mkdirSync(join(dnf, 'repos'), { recursive: true });
  writeFileSync(join(dnf, 'dnf.conf'), '[main]\n');
  if (base !== undefined) {
    writeFileSync(join(dnf, 'repos/base.repo'), `[base]\nname=base\nbaseurl=file://${base}\ngpgcheck=0\n`);
  }
  return {
    folder,
    rpm: (...args) => run('rpm', '--root', folder, '--nodeps', ...args),
    dnf(repository, ...args) {
      writeFileSync(
        join(dnf, 'repos/kazoo-relay.repo'),
        documentedRepository(`file://${repository}/rpm`, `file://${key}`),
      );
      const settings = {
        reposdir: join(dnf, 'repos'),
        cachedir: join(dnf, 'cache'),
        logdir: dnf,
        plugins: 'False',
        best: 'True',
      };
      const options = Object.entries(settings).map(([name, value]) => `--setopt=${name}=${value}`);
      const where = ['--config', join(dnf, 'dnf.conf'), '--installroot', folder, '--releasever', '9', '--assumeyes'];
      return run('dnf', ...where, ...options, '--setopt=skip_if_unavailable=False', ...args);
    },
    sh: (line) => run('chroot', folder, 'sh', '-euc', line).trim(),
  };
}

/** As docs/tasks/serve-packages.md has it. */
function documentedRepository(url: string, key: string): string {
  const page = readFileSync('docs/tasks/serve-packages.md', 'utf8');
  const [lines = ''] = /( {4}.*\n)+/.exec(page.slice(page.indexOf('    [kazoo-relay]'))) ?? [];
  return lines
    .replaceAll(/^ {4}/gm, '')
    .replace(/^baseurl=.*$/m, `baseurl=${url}`)
    .replace(/^gpgkey=.*$/m, `gpgkey=${key}`);
}

/** Makes a repository with one empty package that provides all that a package of ours asks for, as those of Rocky Linux do. */
export function makeBaseRepository(file: string, folder: string): void {
  const wanted = run('rpm', '-qp', '--requires', file).trim().split('\n');
  const provided = wanted.filter((name) => !/^(rpmlib|config)\(/.test(name));
  const lines = ['Name: base', 'Version: 1', 'Release: 1', 'Summary: Stands in', 'License: MIT', 'BuildArch: noarch'];
  const spec = [...lines, ...provided.map((name) => `Provides: ${name}`), '%description', 'Stands in.', '%files', ''];
  mkdirSync(folder);
  writeFileSync(join(folder, 'base.spec'), spec.join('\n'));
  run('rpmbuild', '--define', `_topdir ${folder}`, '-bb', '--quiet', join(folder, 'base.spec'));
  run('createrepo_c', '--quiet', folder);
}

/** @throws Error with all that it has printed */
function run(program: string, ...args: string[]): string {
  const script = 'exec "$@" 2>&1';
  try {
    return execFileSync('sh', ['-c', script, program, program, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 });
  } catch (error) {
    const printed = typeof error === 'object' && error !== null && 'stdout' in error ? error.stdout : error;
    throw new Error(`${program} ${args.join(' ')}: ${printed}`, { cause: error });
  }
}
