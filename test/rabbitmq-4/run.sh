#!/usr/bin/env bash
# test/rabbitmq-4/run.sh [FOLDER]: runs the tests of the link to a broker against RabbitMQ 4, the version of Debian trixie,
# in a root that debootstrap makes in FOLDER (default /var/tmp/kazoo-relay-trixie; kept, because making it takes minutes).
# Needs root and the Debian package debootstrap. It shares the machine's loopback and nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$(realpath -m "${1:-/var/tmp/kazoo-relay-trixie}")
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' | head -n 1)

if ! [ -x "$root/usr/sbin/rabbitmq-server" ]; then
  echo "making a Debian trixie with its RabbitMQ in $root …" >&2
  debootstrap --variant=minbase --include=rabbitmq-server trixie "$root" "$mirror" >&2
fi

# The broker's folders have the same path inside the root and outside of it.
shared=$(mktemp -d /var/tmp/kazoo-relay-rabbitmq-4-XXXXXX)
mkdir -p "$root$shared"
mount --bind "$shared" "$root$shared"
mount --bind /proc "$root/proc"
cleanup() {
  umount "$root/proc" "$root$shared"
  rmdir "$root$shared"
  rm -rf "$shared"
}
trap cleanup EXIT

mkdir "$shared/programs"
for program in rabbitmq-server rabbitmqctl; do
  inside=$(cd "$root" && echo usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/"$program")
  printf '#!/bin/sh\nexec chroot %s /%s "$@"\n' "$root" "$inside" > "$shared/programs/$program"
  chmod 755 "$shared/programs/$program"
done

# What tests make among temporary files, such as certificates, the broker must find too.
export RABBITMQ_PROGRAMS="$shared/programs" TMPDIR="$shared"
npm test -- --runInBand test/broker
