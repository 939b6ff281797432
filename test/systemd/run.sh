#!/usr/bin/env bash
# Installs a release of this checkout into a Debian that systemd boots, and plays through what happens to a service there:
# start, reload, watchdog, kill, a mistake in the configuration, backup and restore, update, stop, removal.
# Needs root, `npm ci`, and the packages debootstrap, systemd-container and rabbitmq-server. Takes minutes.
# DEBIAN_ROOT may name a folder that debootstrap has filled, with the packages systemd, systemd-sysv, dbus, procps
# and sqlite3: it is copied.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/node_modules/.bin:$PATH

main() {
  check_tools
  work=$(mktemp --directory)
  trap clean_up EXIT
  make_root
  start_broker
  boot
  install_release
  check_unit
  start_service
  take_notifications
  reload
  let_watchdog_fire
  kill_it
  break_configuration
  use_credential
  back_up_and_restore
  update
  stop_service
  uninstall
  say 'all is as it should be'
}

check_tools() {
  local tool
  ((EUID == 0)) || fail 'only root can do this'
  for tool in debootstrap systemd-nspawn rabbitmq-server node_modules/.bin/node; do
    command -v "$tool" > /dev/null || fail "there is no $tool"
  done
}

make_root() {
  root=$work/root
  if [[ -n "${DEBIAN_ROOT:-}" ]]; then
    cp --archive "$DEBIAN_ROOT" "$root"
  else
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,procps,sqlite3 bookworm "$root" > "$work/log" || fail "$(tail "$work/log")"
  fi
  : > "$root/etc/machine-id"
  say "made a root of Debian $(< "$root/etc/debian_version")"
}

# A RabbitMQ of our own, as the tests start it. It ends with its input.
start_broker() {
  mkfifo "$work/broker.input"
  node --input-type=module --eval "
    import { startPrivateBroker } from './scripts/quickstart/private-broker.ts';
    const broker = await startPrivateBroker();
    console.log(broker.port);
    process.stdin.resume().on('end', () => broker.close());" < "$work/broker.input" > "$work/broker.port" &
  broker=$!
  exec 3> "$work/broker.input"
  wait_for 'RabbitMQ to start' test -s "$work/broker.port"
  port=$(< "$work/broker.port")
  say "started RabbitMQ on port $port"
}

# The container shares the network of this machine, so that it finds the broker on 127.0.0.1.
boot() {
  systemd-nspawn --boot --directory "$root" --register=no --keep-unit --machine kazoo-relay-test \
    < /dev/null > "$work/console" 2>&1 3>&- &
  machine=$!
  wait_for 'systemd to boot' is_booted
  say "booted $(inside systemctl --version | head -n 1): $(inside systemctl is-system-running || true)"
}

is_booted() {
  leader=$(pgrep --parent "$machine")
  [[ "$(inside systemctl is-system-running)" =~ ^(running|degraded)$ ]]
}

install_release() {
  local tarball
  tarball=$(deploy/release.sh "$work/release" | tail -n 1)
  mkdir "$root/release"
  tar --extract --file "$tarball" --directory "$root/release" --strip-components 1
  inside /release/deploy/install.sh
  inside test -x /opt/kazoo-relay/bin/node || fail 'no Node was installed'
  [[ "$(inside stat --format '%U:%G %a' /etc/kazoo-relay/kazoo-relay.yaml)" == 'root:kazoo-relay 640' ]] || fail 'anybody may read the configuration'
  [[ "$(inside systemctl is-active kazoo-relay || true)" == inactive ]] || fail 'it was started before it was configured'
  say "installed $(basename "$tarball"), $(du --human-readable "$tarball" | cut -f 1) packed, $(inside du -sh /opt/kazoo-relay | cut -f 1) on the disk"
}

check_unit() {
  inside systemd-analyze verify /etc/systemd/system/kazoo-relay.service || fail 'systemd finds fault with the unit'
  say "verified the unit: $(inside systemd-analyze security --no-pager kazoo-relay | tail -n 1)"
}

# The configuration is the one that was installed, with this broker.
start_service() {
  sed -i "s/127.0.0.1:5672/127.0.0.1:$port/" "$root/etc/kazoo-relay/kazoo-relay.yaml"
  inside kazoo-relay check --connect || fail 'check finds fault before the first start'
  inside systemctl enable --quiet --now kazoo-relay || fail "$(logged | tail)"
  until_consuming
  [[ "$(property ActiveState)" == active ]] || fail "it is $(property ActiveState)"
  wait_for 'it to tell systemd so' says 'consuming from 1 of 1 broker'
  say "started: process $(property MainPID) of $(inside ps -o user= -p "$(property MainPID)"); it says: $(property StatusText)"
}

take_notifications() {
  published=0
  publish_all
  inside kazoo-relay status
}

reload() {
  local before
  before=$(property MainPID)
  cat >> "$root/etc/kazoo-relay/kazoo-relay.yaml" << END
  second:
    sink: { type: file, path: /var/log/kazoo-relay/second.ndjson }
  program:
    events: [missed_call]
    sink: { type: exec, command: [/bin/sh, /opt/hooks/notify.sh, /var/lib/kazoo-relay/notified] }
END
  install -D --mode 755 examples/exec/notify.sh "$root/opt/hooks/notify.sh"
  inside systemctl reload kazoo-relay
  wait_for 'the end of the reload' status_has '"second"'
  [[ "$(property MainPID)" == "$before" ]] || fail 'the reload made another process'
  [[ "$(property ActiveState)" == active ]] || fail "it is $(property ActiveState) after the reload"
  publish_all
  wait_for 'the program in the sandbox to have taken one' grep --quiet '"event":"missed_call"' "$root/var/lib/kazoo-relay/notified"
  say "reloaded: the process is the same, $before, and has the new routes; a program of one runs within the sandbox"
}

# A process that is stopped does nothing, as one whose disk hangs.
let_watchdog_fire() {
  drop_in watchdog $'[Service]\nWatchdogSec=4s'
  inside systemctl restart kazoo-relay
  until_consuming
  sleep 6
  [[ "$(property NRestarts)" == 0 ]] || fail 'the watchdog fired though all is well'
  inside kill -STOP "$(property MainPID)"
  inside kazoo-relay publish missed_call > /dev/null
  wait_for 'systemd to restart it' restarted 1
  until_consuming
  logged | grep --quiet 'Watchdog timeout' || fail 'systemd says nothing of the watchdog'
  drop_in watchdog ''
  arrived 1
  say "the watchdog fired: $(logged | grep --only-matching 'Watchdog timeout.*' | tail -n 1)"
}

kill_it() {
  local restarts
  restarts=$(property NRestarts)
  inside kill -KILL "$(property MainPID)"
  inside kazoo-relay publish missed_call > /dev/null
  wait_for 'systemd to restart it' restarted $((restarts + 1))
  until_consuming
  arrived 1
  say 'killed with SIGKILL: it came back, and what was published meanwhile has arrived'
}

break_configuration() {
  local restarts
  cp "$root/etc/kazoo-relay/kazoo-relay.yaml" "$work/good.yaml"
  echo 'colour: red' >> "$root/etc/kazoo-relay/kazoo-relay.yaml"
  ! inside systemctl restart kazoo-relay 2> /dev/null || fail 'it starts with a mistake in its configuration'
  logged | tail -n 20 | grep --quiet 'colour is not an option' || fail 'the journal of systemd does not hold the reason'
  # Written into the file that is there, as an editor of the operator's would: it keeps its owner and mode.
  cat "$work/good.yaml" > "$root/etc/kazoo-relay/kazoo-relay.yaml"
  until_consuming
  say "a mistake in the configuration: $(logged | grep --only-matching '[^ ]*colour is not an option' | tail -n 1); once mended, it came back by itself"
}

use_credential() {
  install -D --mode 0600 <(echo guest) "$root/etc/kazoo-relay.secrets/broker-password"
  drop_in credential $'[Service]\nLoadCredential=broker-password:/etc/kazoo-relay.secrets/broker-password'
  # shellcheck disable=SC2016 # It is for kazoo-relay to expand.
  sed -i 's/guest:guest@/guest:${credential:broker-password}@/' "$root/etc/kazoo-relay/kazoo-relay.yaml"
  inside systemctl restart kazoo-relay || fail "$(logged | tail)"
  until_consuming
  inside systemctl stop kazoo-relay
  # The command of docs/security.md for a service that is stopped.
  inside bash -c "$(sed -n '/^    sudo systemd-run/,/check --connect/p' docs/security.md | sed 's/sudo //')" || fail 'check has no credential'
  cat "$work/good.yaml" > "$root/etc/kazoo-relay/kazoo-relay.yaml"
  drop_in credential ''
  rm -r "$root/etc/kazoo-relay.secrets"
  inside systemctl restart kazoo-relay
  until_consuming
  say 'a password came from a file that only root can read'
}

# The commands of docs/tasks/back-up.md.
back_up_and_restore() {
  inside systemctl stop kazoo-relay
  local entries
  entries=$(inside kazoo-relay tail --limit 100000 | wc -l)
  [[ -z "$(inside find /var/lib/kazoo-relay -user root)" ]] || fail 'a command of root has left files that the service cannot write'
  section 'Back up'
  section Restore
  until_consuming
  [[ "$(inside kazoo-relay tail --limit 100000 | wc -l)" == "$entries" ]] || fail 'the restored journal holds something else'
  publish_all
  inside rm -r /var/lib/kazoo-relay.broken /root/kazoo-relay.tar.gz
  say "backed up and restored a journal of $entries notifications"
}

update() {
  local before
  before=$(property MainPID)
  echo '# ours' >> "$root/etc/systemd/system/kazoo-relay.service"
  inside /release/deploy/install.sh
  until_consuming
  [[ "$(property MainPID)" != "$before" ]] || fail 'the update did not restart it'
  cmp --quiet "$work/good.yaml" "$root/etc/kazoo-relay/kazoo-relay.yaml" || fail 'the update changed the configuration'
  grep --quiet '^# ours' "$root/etc/systemd/system/kazoo-relay.service.edited" || fail 'an edited unit is gone'
  publish_all
  say 'updated: it runs, as before, with its configuration'
}

stop_service() {
  inside systemctl stop kazoo-relay
  [[ "$(property Result) $(property ExecMainStatus)" == 'success 0' ]] || fail "it ended with $(property ExecMainStatus): $(logged | tail)"
  inside /release/deploy/install.sh > /dev/null
  [[ "$(inside systemctl is-active kazoo-relay || true)" == inactive ]] || fail 'an update starts what was stopped'
  ! logged | grep --ignore-case --extended-regexp 'unknown (key|lvalue)|failed to (parse|set|load|apply)|not supported' || fail 'systemd complains'
  say 'stopped: exit code 0; an update leaves it stopped'
}

uninstall() {
  inside systemctl start kazoo-relay
  inside /release/deploy/install.sh --uninstall
  local gone
  for gone in /opt/kazoo-relay /usr/bin/kazoo-relay /etc/systemd/system/kazoo-relay.service; do
    ! inside test -e "$gone" || fail "$gone is still there"
  done
  inside test -s /var/lib/kazoo-relay/journal.sqlite -a -s /etc/kazoo-relay/kazoo-relay.yaml || fail 'data or configuration are gone'
  inside /release/deploy/install.sh --uninstall --purge
  [[ -z "$(inside find / -xdev -path /release -prune -o -name '*kazoo-relay*' -not -path '*/systemd/private*' -not -path '/tmp/*' -print)" ]] ||
    fail "a purge leaves $(inside find / -xdev -path /release -prune -o -name '*kazoo-relay*' -print)"
  say 'uninstalled, and purged: nothing is left'
}

# Publishes one of each event, and waits until they are in the file.
publish_all() {
  local count
  count=$(inside kazoo-relay publish --all | grep --only-matching --perl-regexp '(?<=^published )\d+')
  arrived "$count"
}

arrived() {
  published=$((published + $1))
  wait_for "$published notifications in the file" has_lines "$published"
}

has_lines() {
  [[ "$(wc -l < "$root/var/log/kazoo-relay/notifications.ndjson")" == "$1" ]]
}

until_consuming() {
  wait_for 'it to consume' status_has '"state":"consuming"'
}

status_has() {
  inside kazoo-relay status --json | grep --quiet --fixed-strings "$1"
}

restarted() {
  (($(property NRestarts) >= $1))
}

says() {
  [[ "$(property StatusText)" == "$1"* ]]
}

property() {
  inside systemctl show --property "$1" --value kazoo-relay
}

logged() {
  inside journalctl --unit kazoo-relay --no-pager --output short
}

drop_in() {
  local folder=$root/etc/systemd/system/kazoo-relay.service.d
  mkdir -p "$folder"
  if [[ -n "$2" ]]; then echo "$2" > "$folder/$1.conf"; else rm "$folder/$1.conf"; fi
  inside systemctl daemon-reload
}

# Runs the commands in a section of docs/tasks/back-up.md, each on a line. (Here is root, and no sudo.)
section() {
  local command
  while read -r command; do
    command=${command/#sudo -u/runuser -u}
    inside bash -euc "${command#sudo }" || fail "it does not work: $command"
    say "  $command"
  done < <(sed -n "/^## $1\$/,/^## /s/^    //p" docs/tasks/back-up.md)
}

inside() {
  nsenter --target "$leader" --all -- /usr/bin/env --ignore-environment HOME=/root LANG=C.UTF-8 \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" < /dev/null 3>&-
}

wait_for() {
  local what=$1 deadline=$((SECONDS + 180))
  shift
  until "$@" 2> /dev/null; do
    ((SECONDS < deadline)) || fail "waited 180 s for $what. $(logged 2> /dev/null | tail -n 20)"
    sleep 0.2
  done
}

say() {
  echo "$1"
}

fail() {
  echo "failed: $1" >&2
  exit 1
}

clean_up() {
  if [[ -n "${machine:-}" ]]; then
    inside systemctl poweroff --force --force 2> /dev/null || kill -KILL "$machine" || true
    wait "$machine" || true
  fi
  if [[ -n "${broker:-}" ]]; then
    exec 3>&-
    wait "$broker" || true
  fi
  rm -rf "$work"
}

main
