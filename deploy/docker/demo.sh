#!/bin/sh
# What the profile `demo` of docker-compose.yml runs: publishes one of each event, says where to see them arrive, and stays until
# it is stopped.
set -eu

until kazoo-relay status --check ready 2> /dev/null; do sleep 1; done
kazoo-relay publish --all --live
kazoo-relay status
page=$(kazoo-relay page)
cat << END

They are in the journal, and came out of three routes. See them:

  docker compose exec kazoo-relay kazoo-relay tail
  docker compose logs --no-log-prefix kazoo-relay
  docker compose exec kazoo-relay tail archive/notifications.ndjson
  docker compose exec postgres psql -U kazoo_relay -c 'SELECT occurred_at, event, account_id FROM notifications'

See them in the browser. This link logs you in once, within five minutes:

  $page

Publish more:

  docker compose exec kazoo-relay kazoo-relay publish missed_call --live

Remove all of it, with what it has stored:

  docker compose --profile demo down --volumes
END

# By this the health check knows.
touch /tmp/published
exec sleep infinity
