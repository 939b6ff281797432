#!/bin/sh
# Made by deploy/install.sh of kazoo-relay.
# As root it runs as the service's user: a file of the journal that belongs to root would keep the service from its own. Only
# "init" needs root, for the configuration, and gives that up by itself.
first=${1-}
set -- /opt/kazoo-relay/bin/node /opt/kazoo-relay/dist/main.js "$@"
# For ${credential:…} in the configuration, while the service runs.
credentials=/run/credentials/kazoo-relay.service
[ ! -d "$credentials" ] || export CREDENTIALS_DIRECTORY="${CREDENTIALS_DIRECTORY:-$credentials}"
[ "$(id -u)" != 0 ] || [ "$first" = init ] || exec runuser -u kazoo-relay -- "$@"
exec "$@"
