#!/usr/bin/env python3
"""A receiver of signed webhooks in Python 3.9 or later, without packages.

    WEBHOOK_SECRET=whsec_... INBOX=inbox PORT=8080 python3 receiver.py

The package `standardwebhooks` of PyPI has what `verify` does here.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"), validate=True)
INBOX = os.environ.get("INBOX", "inbox")
LIMIT = 2 * 1024 * 1024  # bytes; a notification has a little more than 1 MiB at most


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that a sender may be silent

    def do_POST(self):
        try:
            status, reason = self.receive()
        except OSError as error:
            # Not kept: kazoo-relay sends it again.
            print(error, file=sys.stderr)
            status, reason = 503, "it could not be kept"
        self.answer(status, reason)

    def do_GET(self):
        self.answer(405, "only POST")

    do_PUT = do_DELETE = do_GET

    def receive(self):
        """The status of the answer, and why."""
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,15}", length, re.ASCII):
            self.close_connection = True
            return 411, "Content-Length is missing"
        if int(length) > LIMIT:
            # To its end, so that the sender sees the answer.
            left = int(length)
            while left > 0 and (chunk := self.rfile.read(min(left, 65536))):
                left -= len(chunk)
            return 413, "too large"
        body = self.rfile.read(int(length))
        problem = verify(self.headers, body)
        if problem:
            return 401, problem
        message_id = self.headers["webhook-id"]
        if not re.fullmatch(r"[\w-]{1,100}", message_id, re.ASCII):
            return 400, "webhook-id is no name of a file"
        try:
            json.loads(body)
        except ValueError:
            return 400, "not JSON"
        keep(message_id, body)
        return 204, ""

    def answer(self, status, reason):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(reason)))
        self.end_headers()
        if status != 204:
            self.wfile.write(reason.encode())

    def log_message(self, *_):
        pass


def verify(headers, body):
    """Why the request isn't kazoo-relay's, or None."""
    message_id, sent, signatures = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not re.fullmatch(r"\d{1,12}", sent, re.ASCII) or abs(time.time() - int(sent)) > 300:
        return "webhook-timestamp is missing, or more than five minutes away"
    signed = f"{message_id}.{sent}.".encode("latin-1") + body
    expected = b"v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest())
    # One for each secret, while an old one is replaced.
    if not any(hmac.compare_digest(expected, one.encode("latin-1")) for one in signatures.split(" ")):
        return "no signature fits"
    return None


def keep(message_id, body):
    """The file appears whole and only once, however often the notification comes; what reads the inbox does the rest."""
    path = os.path.join(INBOX, f"{message_id}.json")
    if os.path.exists(path):
        return
    with tempfile.NamedTemporaryFile(dir=INBOX, suffix=".part", delete=False) as part:
        part.write(body)
        part.flush()
        os.fsync(part.fileno())
    os.replace(part.name, path)
    print(f"kept {message_id}", flush=True)


os.makedirs(INBOX, exist_ok=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Receiver).serve_forever()
