#!/usr/bin/env bash
# A receiver of signed webhooks with openssl and jq, as a CGI program: for Apache, lighttpd, or nginx with fcgiwrap. The server
# sets WEBHOOK_SECRET and INBOX. The signature is made with shell builtins and openssl's hash, because a key that is given
# to openssl as an argument can be seen in the list of processes.
set -efuo pipefail
export LC_ALL=C

# Bytes; a notification has a little more than 1 MiB at most.
limit=$((2 * 1024 * 1024))

main() {
  [[ $REQUEST_METHOD == POST ]] || answer '405 Method Not Allowed' 'only POST'
  [[ ${CONTENT_LENGTH:-} =~ ^[0-9]{1,15}$ ]] || answer '411 Length Required' 'Content-Length is missing'
  ((10#$CONTENT_LENGTH <= limit)) || answer '413 Content Too Large' 'too large'
  inbox=${INBOX:-inbox}
  mkdir -p "$inbox" && part=$(mktemp "$inbox/XXXXXXXXXX.part") || answer '503 Service Unavailable' 'it could not be kept'
  trap 'rm -f "$part"' EXIT
  head -c "$CONTENT_LENGTH" > "$part"
  verify "${HTTP_WEBHOOK_ID:-}" "${HTTP_WEBHOOK_TIMESTAMP:-}" "${HTTP_WEBHOOK_SIGNATURE:-}"
  [[ $HTTP_WEBHOOK_ID =~ ^[0-9A-Za-z_-]{1,100}$ ]] || answer '400 Bad Request' 'webhook-id is no name of a file'
  jq --exit-status --slurp 'length == 1' < "$part" > /dev/null 2>&1 || answer '400 Bad Request' 'not JSON'
  keep "$inbox/$HTTP_WEBHOOK_ID.json"
  answer '204 No Content'
}

# Answers with 401 unless the request is kazoo-relay's.
verify() {
  local id=$1 sent=$2 expected signature
  [[ $sent =~ ^[0-9]{1,12}$ ]] || answer '401 Unauthorized' 'webhook-timestamp is missing'
  ((10#$sent - $(date +%s) <= 300 && $(date +%s) - 10#$sent <= 300)) \
    || answer '401 Unauthorized' 'webhook-timestamp is more than five minutes away'
  expected=v1,$(hmac "$id.$sent.")
  # One for each secret, while an old one is replaced.
  for signature in $3; do
    [[ $signature != "$expected" ]] || return 0
  done
  answer '401 Unauthorized' 'no signature fits'
}

# HMAC-SHA256 in base64 of a text and the body, as RFC 2104 builds it of two hashes.
hmac() {
  local key
  mapfile -t key < <(base64 -d <<< "${WEBHOOK_SECRET#whsec_}" | od -An -v -w1 -tu1)
  ((${#key[@]} >= 1 && ${#key[@]} <= 64)) || exit 1
  {
    pad 0x5c
    { pad 0x36 && printf '%s' "$1" && cat "$part"; } | openssl dgst -sha256 -binary
  } | openssl dgst -sha256 -binary | base64
}

pad() {
  local i bytes=
  for ((i = 0; i < 64; i++)); do
    printf -v bytes '%s\\x%02x' "$bytes" $((${key[i]:-0} ^ $1))
  done
  printf '%b' "$bytes"
}

# The file appears whole and only once, however often the notification comes; what reads the inbox does the rest.
keep() {
  [[ ! -e $1 ]] || return 0
  sync "$part" && mv "$part" "$1" || answer '503 Service Unavailable' 'it could not be kept'
}

answer() {
  printf 'Status: %s\r\nContent-Type: text/plain\r\n\r\n%s' "$1" "${2:-}"
  exit 0
}

main
