#!/bin/sh
# Completes what the image holds, in the current folder: Dockerfile runs it. $1: a Debian for the image's kind of processor.
set -eu
debian=$1

# glibc looks in /lib for libraries; a program asks for its loader in /lib or /lib64.
mkdir lib
ln -s lib lib64
for library in 'ld-linux*' libc libm libdl libpthread librt libresolv libnss_dns libnss_files libgcc_s libstdc++; do
  cp -L "$debian"/usr/lib/*-linux-gnu*/$library.so.[0-9] lib/
done
packages='libc6 libgcc-s1 libstdc++6 tzdata'
for package in $packages; do
  install -D -m 644 "$debian/usr/share/doc/$package/copyright" "usr/share/doc/$package/copyright"
done
# Their texts name these.
mkdir -p usr/share/common-licenses
cp -L "$debian"/usr/share/common-licenses/GPL-2 "$debian"/usr/share/common-licenses/GPL-3 \
  "$debian"/usr/share/common-licenses/LGPL-2.1 usr/share/common-licenses/
node /scripts/release/debian.ts "$debian" opt/kazoo-relay $packages

# Those that Node has itself, for libraries that look for a file.
mkdir -p etc/ssl/certs
node --print 'require("node:tls").rootCertificates.join("\n")' > etc/ssl/certs/ca-certificates.crt

# A fixed number, because it owns what is on the volume. A container with another one has the group 0: so OpenShift does it.
cat > etc/passwd << 'END'
root:x:0:0:root:/:/nonexistent
kazoo-relay:x:10001:10001:kazoo-relay:/var/lib/kazoo-relay:/nonexistent
END
printf 'root:x:0:\nkazoo-relay:x:10001:\n' > etc/group
echo 'hosts: files dns' > etc/nsswitch.conf

# There is no env to find Node.
sed -i '1s|.*|#!/usr/local/bin/node|' opt/kazoo-relay/dist/main.js
ln -s /opt/kazoo-relay/dist/main.js usr/local/bin/kazoo-relay

# Files come with the modes of the checkout, which under a umask such as 077 nobody else may read.
chmod -R u=rwX,go=rX .
install -d -m 755 etc/kazoo-relay
install -d -m 1777 tmp
install -d -o 10001 -g 0 -m 770 var/lib/kazoo-relay
