#!/bin/sh
# Reads a notification a line, appends it to a file, and answers each: ok, retry REASON or dead REASON.
while IFS= read -r notification; do
  if printf '%s\n' "$notification" 2>/dev/null >>"$1"; then
    echo ok
  else
    echo "retry 30s $1 can't be written"
  fi
done
