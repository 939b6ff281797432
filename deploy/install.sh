#!/usr/bin/env bash
# Installs kazoo-relay as a service of systemd, or brings an installed one up to date: run it again. It runs from an unpacked
# release, or from a checkout (which needs Node 20 or later and npm to build).
#
#   deploy/install.sh                      installs or updates; what is in /etc/kazoo-relay stays as it is
#   deploy/install.sh --uninstall          removes the program and the service; configuration, journal and logs stay
#   deploy/install.sh --uninstall --purge  removes these and the user too
set -euo pipefail

program=/opt/kazoo-relay
command=/usr/bin/kazoo-relay # not /usr/local/bin, where sudo doesn't look on Rocky Linux
completion=/usr/share/bash-completion/completions/kazoo-relay
mark='# Made by deploy/install.sh of kazoo-relay.'

main() {
  local source
  source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  # shellcheck source=deploy/systemd/service.sh
  . "$source/deploy/systemd/service.sh"
  case "$*" in
    '') install_all "$source" ;;
    --uninstall) uninstall no ;;
    '--uninstall --purge' | '--purge --uninstall') uninstall yes ;;
    -h | --help) usage ;;
    *) usage >&2 && exit 2 ;;
  esac
}

usage() {
  sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

install_all() {
  check_machine
  trap 'rm -rf "$program.new"' EXIT
  stage "$1"
  add_user
  add_folders
  add_config
  local was_active=no
  ! is_active || was_active=yes
  # What runs must not find half of another version under its feet.
  [[ $was_active == no ]] || systemctl stop kazoo-relay
  put_unit
  put_program
  put_command
  reload_systemd
  [[ $was_active == no ]] || start_again
  say "kazoo-relay $(version) is installed"
  [[ $was_active == yes ]] || next_steps
}

check_machine() {
  ((EUID == 0)) || fail 'only root can do this: run it with sudo'
  local tool
  refuse_package
  for tool in systemctl useradd getent install runuser; do
    command -v "$tool" > /dev/null || fail "there is no $tool on this machine: it needs Linux with systemd"
  done
  [[ -x /bin/kill ]] || fail 'there is no /bin/kill, which the service is reloaded with: install the package procps (on Rocky Linux: util-linux)'
}

# A package has taken over, or something else has this name.
refuse_package() {
  if [[ -e $command ]] && ! grep --quiet --fixed-strings "$mark" "$command"; then
    fail "$command is there and was not made by this script: remove it first (apt remove kazoo-relay, or dnf remove kazoo-relay)"
  fi
}

# Everything is beside its place before anything that runs is touched.
stage() {
  local source=$1 node
  rm -rf "$program.new"
  if [[ -x $source/bin/node ]]; then
    [[ $source != "$program" ]] || fail "this is the installed copy: run deploy/install.sh of a checkout or an unpacked release"
    cp -R "$source" "$program.new"
  else
    build "$source"
  fi
  chown -R root:root "$program.new"
  chmod -R u=rwX,go=rX "$program.new"
  node=$program.new/bin/node
  "$node" --version > /dev/null || fail "Node doesn't run here, see above. Node 24 needs glibc 2.28 and Linux 4.18, that is \
Rocky Linux 8, Debian 10 or later; this machine has $(getconf GNU_LIBC_VERSION 2> /dev/null || echo 'no glibc') and Linux $(uname -r)"
}

# As the owner of the checkout, whose files must stay his.
build() {
  local owner
  [[ -f $1/deploy/release.sh ]] || fail "$1 is neither a checkout nor an unpacked release"
  command -v npm > /dev/null || fail 'a checkout is built with npm, which is not here: install Node 20 or later, or use a release'
  owner=$(stat --format %U "$1/package.json")
  work=$(mktemp --directory)
  trap 'rm -rf "$program.new" "$work"' EXIT
  chown "$owner" "$work"
  say "building as $owner …"
  runuser --user "$owner" -- env HOME="$(getent passwd "$owner" | cut -d : -f 6)" "$1/deploy/release.sh" --tree "$work/tree" ||
    fail 'the build failed: what it says stands above'
  mv "$work/tree" "$program.new"
}

add_config() {
  install --directory --owner root --group "$user" --mode 0750 "$config"
  if [[ -e $config/kazoo-relay.yaml ]]; then
    say "kept $config/kazoo-relay.yaml"
  else
    install --owner root --group "$user" --mode 0640 "$program.new/config/systemd.yaml" "$config/kazoo-relay.yaml"
    say "made $config/kazoo-relay.yaml"
  fi
}

put_unit() {
  if [[ -e $unit && -e $program ]] && ! cmp --quiet "$unit" "$program/deploy/systemd/kazoo-relay.service"; then
    cp "$unit" "$unit.edited"
    say "$unit had been edited: it is kept as $unit.edited; put what you need of it into a drop-in (systemctl edit kazoo-relay)"
  fi
  install --mode 0644 "$program.new/deploy/systemd/kazoo-relay.service" "$unit"
}

put_program() {
  rm -rf "$program.old"
  [[ ! -e $program ]] || mv "$program" "$program.old"
  mv "$program.new" "$program"
  rm -rf "$program.old"
  # SELinux goes by where a file is, and these have moved.
  if command -v restorecon > /dev/null; then restorecon -RF "$program" "$unit" "$config"; fi
}

put_command() {
  install --mode 0755 "$program/deploy/systemd/command.sh" "$command"
  if [[ -d ${completion%/*} ]]; then
    "$program/bin/node" "$program/dist/main.js" completion bash > "$completion" 2> /dev/null || rm -f "$completion"
  fi
}

start_again() {
  say 'starting it again …'
  systemctl start kazoo-relay && return
  journalctl --unit kazoo-relay --lines 20 --no-pager >&2 || true
  fail "the new version does not start: its last words stand above. Mend the configuration, then: systemctl start kazoo-relay; \
or go back by running deploy/install.sh of the version before"
}

uninstall() {
  ((EUID == 0)) || fail 'only root can do this: run it with sudo'
  refuse_package
  if has_systemd && [[ -e $unit ]]; then systemctl disable --quiet --now kazoo-relay; fi
  rm -rf "$program" "$program".{new,old} "$unit" "$command" "$completion"
  [[ $1 == no ]] || purge
  reload_systemd
  say 'kazoo-relay is removed'
  [[ $1 == yes ]] || say "what stays: $config, $state $logs, the user $user. --uninstall --purge removes them too"
  say 'a queue on the broker deletes itself after queue.expires (24 h); at once: rabbitmqctl delete_queue kazoo-relay'
}

purge() {
  rm -rf "$config" "$state" "$logs" "$unit.d" "$unit.edited"
  ! getent passwd "$user" > /dev/null || userdel "$user"
  ! getent group "$user" > /dev/null || groupdel "$user"
}

version() {
  sed -n 's/^  "version": "\(.*\)",$/\1/p' "$program/package.json"
}

fail() {
  echo "kazoo-relay: $1" >&2
  exit 1
}

main "$@"
