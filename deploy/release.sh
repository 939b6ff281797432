#!/usr/bin/env bash
# deploy/release.sh FOLDER: builds this checkout, and makes FOLDER/kazoo-relay-VERSION-linux-ARCH.tar.gz of it: all that an
# installation consists of, Node too.
# deploy/release.sh --tree FOLDER [x64|arm64]: puts the same into FOLDER, not packed. deploy/install.sh uses it. It is for the kind
# of processor that it is made on, or for the one that is named.
# Needs Node 20 or later, npm, npm's registry or its cache, and without --tree git or SOURCE_DATE_EPOCH.
set -euo pipefail

main() {
  case "${1:-}" in
    --tree) build "${2:?name a folder}" "${3:-}" ;;
    '' | -*) sed -n '2,6s/^# //p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
    *) build_and_pack "$1" ;;
  esac
}

build() {
  local tree cpu
  tree=$(realpath --canonicalize-missing "$1")
  cd "$(dirname "${BASH_SOURCE[0]}")/.."
  npm run --silent build >&2
  cpu=${2:-$(node_modules/.bin/node --print process.arch)}
  mkdir -p "$tree/bin"
  cp -R dist schemas docs package.json package-lock.json LICENSE *.md .npmrc "$tree"
  # By name: somebody's own configuration may lie beside them, with passwords.
  cp --parents config/{kazoo-relay,kazoo-relay.test,systemd}.yaml config/kazoo-relay.schema.json "$tree"
  cp -R --parents deploy/install.sh deploy/systemd deploy/prometheus deploy/grafana "$tree"
  cp -R --parents tools/runtime "$tree"
  # None of what runs has an install script. Node is one of the packages.
  (cd "$tree" && npm ci --omit=dev --ignore-scripts --os=linux --libc=glibc --cpu="$cpu" --prefer-offline --loglevel=error > /dev/null)
  mv "$tree/node_modules/node-linux-$cpu/bin/node" "$tree/bin/node"
  node_modules/.bin/node scripts/release/notices.ts "$tree"
  node_modules/.bin/node scripts/release/libraries.ts "$tree"
  rm -r "$tree/.npmrc" "$tree/package-lock.json" "$tree/tools"
}

build_and_pack() {
  local folder
  mkdir -p "$1"
  folder=$(realpath "$1")
  cd "$(dirname "${BASH_SOURCE[0]}")/.."
  npm run --silent release -- --out "$folder" tarball
  echo "$folder/kazoo-relay-$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)-linux-$(uname -m).tar.gz"
}

main "$@"
