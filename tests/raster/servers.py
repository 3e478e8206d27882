"""A web server for rasters whose connection to the world is as bad as a test wants it.

It runs in a process of its own: rasterio holds Python's lock during some requests, so a thread
of the same process could not answer them. It is told what to do through its standard input, so
the tests themselves open no socket.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FAULTS = ("drop", "busy", "truncate", "slow", "forbid")
"""Dropped connection, 503, body that ends early, a late answer, 403."""


class RangeHandler(BaseHTTPRequestHandler):
    """Sends files, or the bytes of them that a Range header names."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body):
        path = self.server.folder / self.path.partition("?")[0].lstrip("/")
        fault = self.server.every
        if with_body:
            fault = self.server.next_fault()
        elif fault != "forbid":  # the others strike in the middle
            fault = None
        if fault == "drop":
            self.break_connection()
        elif fault in ("busy", "forbid") or not path.is_file():
            self.send_response({"busy": 503, "forbid": 403}.get(fault, 404))
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            content = self.send_head(path.read_bytes())
            time.sleep(0.3 if fault == "slow" else 0)
            if with_body:
                self.wfile.write(content[: len(content) // 2] if fault == "truncate" else content)
            if fault == "truncate":
                self.break_connection()

    def send_head(self, content):
        """Send the status and the headers; return the bytes that were asked for."""
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if span and self.server.has_ranges:
            first, last = int(span[1]), min(int(span[2] or len(content)), len(content) - 1)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            content = content[first : last + 1]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return content

    def break_connection(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *words):
        self.server.num_requests += 1


class FaultyServer(ThreadingHTTPServer):
    """Serves a folder on the loopback interface."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), RangeHandler)
        self.folder = Path(folder)
        self.lock = threading.Lock()
        self.num_requests = 0
        self.set_up()

    def set_up(self, faults=(), every=None, has_ranges=True):
        self.faults, self.every, self.has_ranges = deque(faults), every, has_ranges

    def next_fault(self):
        with self.lock:
            return self.every or (self.faults.popleft() if self.faults else None)

    def handle_error(self, request, client_address):
        """Connections that we broke ourselves are no news."""


def run(folder):
    """Tell the port, then do what each line says, until standard input closes."""
    server = FaultyServer(folder)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    print(server.server_port, flush=True)
    for line in sys.stdin:
        server.set_up(**json.loads(line))
        print(server.num_requests, flush=True)


class RasterServer:
    """The test's side of a server on a folder; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def set_up(self, *faults, **settings):
        """Meet the next requests for bytes with these faults, one each, or ``every`` one.

        Returns:
            The number of requests so far.
        """
        assert {*faults, settings.get("every")} <= {*FAULTS, None}
        self._process.stdin.write(json.dumps({"faults": faults, **settings}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


if __name__ == "__main__":
    run(sys.argv[1])
