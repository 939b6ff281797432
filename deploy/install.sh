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
unit=/etc/systemd/system/kazoo-relay.service
completion=/usr/share/bash-completion/completions/kazoo-relay
config=/etc/kazoo-relay
data=(/var/lib/kazoo-relay /var/log/kazoo-relay)
user=kazoo-relay
mark='# Made by deploy/install.sh of kazoo-relay.'

main() {
  local source
  source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
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
  ! has_systemd || systemctl daemon-reload
  [[ $was_active == no ]] || start_again
  say "kazoo-relay $(version) is installed"
  [[ $was_active == yes ]] || next_steps
}

check_machine() {
  ((EUID == 0)) || fail 'only root can do this: run it with sudo'
  local tool
  for tool in systemctl useradd getent install runuser; do
    command -v "$tool" > /dev/null || fail "there is no $tool on this machine: it needs Linux with systemd"
  done
  [[ -x /bin/kill ]] || fail 'there is no /bin/kill, which the service is reloaded with: install the package procps (on Rocky Linux: util-linux)'
  if [[ -e $command ]] && ! grep --quiet --fixed-strings "$mark" "$command"; then
    fail "$command is there and was not made by this script: remove it first"
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

add_user() {
  getent group "$user" > /dev/null || groupadd --system "$user"
  getent passwd "$user" > /dev/null && return
  useradd --system --gid "$user" --home-dir "${data[0]}" --no-create-home --shell "$(command -v nologin || echo /sbin/nologin)" \
    --comment 'kazoo-relay' "$user"
  say "made the user $user"
}

# As the unit has systemd make them, so that "kazoo-relay check --connect" finds them before the first start.
add_folders() {
  local mode=0700 folder
  for folder in "${data[@]}"; do
    [[ -e $folder ]] || install --directory --owner "$user" --group "$user" --mode "$mode" "$folder"
    mode=0750
  done
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

# As root it runs as the service's user: a file of the journal that belongs to root would keep the service from its own. Only
# "init" needs root, for the configuration, and gives that up by itself.
put_command() {
  cat > "$command" << END
#!/bin/sh
$mark
first=\${1-}
set -- $program/bin/node $program/dist/main.js "\$@"
# For \${credential:…} in the configuration, while the service runs.
credentials=/run/credentials/kazoo-relay.service
[ ! -d "\$credentials" ] || export CREDENTIALS_DIRECTORY="\${CREDENTIALS_DIRECTORY:-\$credentials}"
[ "\$(id -u)" != 0 ] || [ "\$first" = init ] || exec runuser -u $user -- "\$@"
exec "\$@"
END
  chmod 0755 "$command"
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

next_steps() {
  cat << END

  1. kazoo-relay init              asks for your brokers and sinks; or edit $config/kazoo-relay.yaml
  2. kazoo-relay check --connect   tries them
  3. systemctl enable --now kazoo-relay
  4. kazoo-relay status
     journalctl --follow --unit kazoo-relay
END
}

uninstall() {
  ((EUID == 0)) || fail 'only root can do this: run it with sudo'
  if has_systemd && [[ -e $unit ]]; then systemctl disable --quiet --now kazoo-relay; fi
  if [[ -e $command ]] && grep --quiet --fixed-strings "$mark" "$command"; then rm "$command"; fi
  rm -rf "$program" "$program".{new,old} "$unit" "$completion"
  [[ $1 == no ]] || purge
  ! has_systemd || systemctl daemon-reload
  say 'kazoo-relay is removed'
  [[ $1 == yes ]] || say "what stays: $config, ${data[*]}, the user $user. --uninstall --purge removes them too"
  say 'a queue on the broker deletes itself after queue.expires (24 h); at once: rabbitmqctl delete_queue kazoo-relay'
}

purge() {
  rm -rf "$config" "${data[@]}" "$unit.d" "$unit.edited"
  ! getent passwd "$user" > /dev/null || userdel "$user"
  ! getent group "$user" > /dev/null || groupdel "$user"
}

# False where a root is only being made, for an image or a container.
has_systemd() {
  [[ -d /run/systemd/system ]]
}

# One that fails at every start counts too: perhaps this is the version that mends it.
is_active() {
  has_systemd && systemctl show --property ActiveState kazoo-relay | grep --quiet --extended-regexp '=(active|activating|reloading)$'
}

version() {
  sed -n 's/^  "version": "\(.*\)",$/\1/p' "$program/package.json"
}

say() {
  echo "kazoo-relay: $1"
}

fail() {
  echo "kazoo-relay: $1" >&2
  exit 1
}

main "$@"
