#!/usr/bin/env bash
# Sends a signed example to a receiver with openssl and curl, as kazoo-relay does, and prints its answer:
#   WEBHOOK_SECRET=whsec_… ./send.sh http://127.0.0.1:8080/
# It is for trying: openssl's arguments, where the key stands, can be seen in the list of processes.
set -euo pipefail
id=example-$(openssl rand -hex 8)
sent=$(date +%s)
body="{\"id\":\"$id\",\"event\":\"missed_call\",\"data\":{\"caller_id_number\":\"+15551234567\"}}"
key=$(base64 -d <<< "${WEBHOOK_SECRET#whsec_}" | od -An -v -tx1 | tr -d ' \n')
signature=$(printf '%s.%s.%s' "$id" "$sent" "$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
curl --silent --show-error --fail-with-body --write-out '%{http_code}\n' --header 'content-type: application/json' \
  --header "webhook-id: $id" --header "webhook-timestamp: $sent" --header "webhook-signature: v1,$signature" \
  --data "$body" "$1"
