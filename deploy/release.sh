#!/usr/bin/env bash
# deploy/release.sh FOLDER: builds this checkout, and makes FOLDER/kazoo-relay-VERSION-linux-ARCH.tar.gz of it: all that an
# installation consists of, Node too. It is for the kind of processor that it was made on.
# deploy/release.sh --tree FOLDER: puts the same into FOLDER, not packed. deploy/install.sh uses it.
# Needs Node 20 or later, npm, and npm's registry or its cache.
set -euo pipefail

main() {
  case "${1:-}" in
    --tree) build "${2:?name a folder}" ;;
    '' | -*) sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
    *) build_and_pack "$1" ;;
  esac
}

build() {
  local tree
  tree=$(realpath --canonicalize-missing "$1")
  cd "$(dirname "${BASH_SOURCE[0]}")/.."
  npm run --silent build >&2
  mkdir -p "$tree/bin"
  cp -R dist schemas docs package.json package-lock.json LICENSE *.md .npmrc "$tree"
  # By name: somebody's own configuration may lie beside them, with passwords.
  cp --parents config/{kazoo-relay,kazoo-relay.test,systemd}.yaml config/kazoo-relay.schema.json "$tree"
  cp -R --parents deploy/install.sh deploy/systemd deploy/prometheus deploy/grafana "$tree"
  cp --dereference node_modules/.bin/node "$tree/bin/node"
  # None of what runs has an install script.
  (cd "$tree" && npm ci --omit=dev --workspaces=false --ignore-scripts --prefer-offline --loglevel=error > /dev/null)
  node_modules/.bin/node scripts/release/notices.ts "$tree"
  rm "$tree/.npmrc" "$tree/package-lock.json"
  # What is for compilers.
  find "$tree/node_modules" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -delete
}

build_and_pack() {
  local folder name
  mkdir -p "$1"
  folder=$(realpath "$1")
  work=$(mktemp --directory)
  trap 'rm -rf "$work"' EXIT
  build "$work/tree"
  name=kazoo-relay-$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)-linux-$(uname -m)
  mv "$work/tree" "$work/$name"
  tar --create --gzip --file "$folder/$name.tar.gz" --directory "$work" --owner 0 --group 0 --mode 'go=rX,u+w' "$name"
  echo "$folder/$name.tar.gz"
}

main "$@"
