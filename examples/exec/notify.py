#!/usr/bin/env python3
"""Reads a notification a line, keeps those of one event, and answers each: ok, retry REASON or dead REASON."""
import json
import sys

kept = open(sys.argv[1], "a", encoding="utf-8")

for line in sys.stdin:
    notification = json.loads(line)
    if notification["event"] is None:
        print("dead it has no event", flush=True)
        continue
    try:
        kept.write(f"{notification['id']} {notification['event']}\n")
        kept.flush()
    except OSError as error:
        print(f"retry 30s {error.strerror}", flush=True)
    else:
        print("ok", flush=True)
