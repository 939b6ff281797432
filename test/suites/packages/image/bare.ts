import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image } from '../../../../scripts/release/image/dockerfile.ts';
import type { CommandLine, Container, Runner } from './engine.ts';

/** Runs an image's files as an engine does, with programs of util-linux alone. @param work where volumes are */
export function runBare(image: Image, work: string): Runner {
  const folderOf = (volume: string) => join(work, volume);
  return {
    line: (container) => contained(image, container, folderOf(container.volume)),
    inside(container, [program = '', ...args]) {
      const [user = '', group = ''] = (image.config.User ?? '').split(':');
      const pid = String(pidOf(container));
      const into = ['--target', pid, '--mount', '--pid', '--root', '--wd', '--setuid', user, '--setgid', group];
      return ['env', '-i', ...image.config.Env, '/usr/bin/nsenter', ...into, `/usr/local/bin/${program}`, ...args];
    },
    pidOf,
    folderOf,
  };
}

/** What unshare has forked: it carries the container's name. */
function pidOf(container: string): number {
  const outside = execFileSync('pgrep', ['--oldest', '--full', `^unshare --mount --pid .* ${container} `], {
    encoding: 'utf8',
  }).trim();
  return Number(readFileSync(`/proc/${outside}/task/${outside}/children`, 'utf8'));
}

function contained(
  { root, config: { Env, User = '', WorkingDir = '/' } }: Image,
  { name, user = User, config, variable, command: [program = '', ...args] }: Container,
  volume: string,
): CommandLine {
  // An engine gives a new volume what the image has at its place, with its owner.
  if (!existsSync(volume)) execFileSync('cp', ['--archive', join(root, WorkingDir), volume]);
  const [uid = '', gid = ''] = user.split(':');
  const rights = ['--inh-caps=-all', '--bounding-set=-all,+sys_chroot,+setuid,+setgid'];
  const into = ['unshare', `--root=${root}`, `--wd=${WorkingDir}`, '--setgid', gid, '--setuid', uid];
  const limited = ['setpriv', '--no-new-privs', ...rights, '--clear-groups'];
  const run = [...limited, 'env', '-i', ...Env, variable, `/usr/bin/${into[0]}`, ...into.slice(1)];
  const given = [root, volume, config, WorkingDir, ...run, `/usr/local/bin/${program}`, ...args];
  return ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-euc', mounts, name, ...given];
}

/** As docker-compose.yml has them. /etc/hosts is the engine's. */
const mounts = `
  root=$1 volume=$2 config=$3 place=$4
  shift 4
  mount --bind "$root" "$root"
  mount --bind "$volume" "$root$place"
  mount --bind "$config" "$root/etc/kazoo-relay"
  mount --types tmpfs tmpfs "$root/tmp"
  for folder in proc dev run; do mkdir -p "$root/$folder"; done
  mount --types proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --types tmpfs tmpfs "$root/run"
  mkdir "$root/run/secrets"
  cp deploy/docker/secrets/* "$root/run/secrets"
  [ -e "$root/etc/hosts" ] || touch "$root/etc/hosts"
  echo '127.0.0.1 localhost rabbitmq' > "$root/run/hosts"
  mount --bind "$root/run/hosts" "$root/etc/hosts"
  mount --options remount,bind,ro "$root"
  exec "$@"`;
