"""The server itself: a free port, one process, and a browser that opens."""

from __future__ import annotations

import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from fewscape.core import ConfigError
from fewscape.core.optional import require
from fewscape.serve.guard import Guard
from fewscape.serve.session import Session

PORT = 8722
TRIES = 20
"""Ports after the first that are tried where none was asked for."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the page is reached."""

    host: str = "127.0.0.1"
    port: int | None = None
    """8722, or the next free one, if not given."""
    token: str = ""
    """Chosen by chance if empty."""
    opens_browser: bool = True
    frames: str = "'none'"
    """See ``Guard``."""


class PageServer:
    """Serves one session until it is stopped.

    Args:
        session: not started.
        options: see ``ServerOptions``.

    Raises:
        ConfigError: the port is in use, or the host is none of this machine.
        MissingPackageError: the extra ``serve`` is not installed.
    """

    def __init__(self, session: Session, options: ServerOptions | None = None) -> None:
        self.options = options or ServerOptions()
        uvicorn = require("uvicorn", "serve")
        require("fastapi", "serve")
        from fewscape.serve.app import make_app

        app = make_app(session)
        self._socket = bind(self.options.host, self.options.port)
        self.port = int(self._socket.getsockname()[1])
        self.token = self.options.token or secrets.token_urlsafe(18)
        host = self.options.host
        names = {host, *LOOPBACK[:2]} if host in LOOPBACK else {host}
        hosts = {
            f"[{name}]:{self.port}" if ":" in name else f"{name}:{self.port}" for name in names
        }
        if host in ("0.0.0.0", "::"):  # noqa: S104 - asked for; every name leads here then
            hosts = set()
        guarded = Guard(app, self.token, hosts, self.options.frames)
        config = uvicorn.Config(
            guarded, log_level="warning", timeout_graceful_shutdown=2, access_log=False
        )
        self._server = uvicorn.Server(config)

    @property
    def address(self) -> str:
        """Where the page is; holds the token."""
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        return f"http://{host}:{self.port}/{self.token}/"

    def run(self, tell: Callable[[str], None] = lambda _: None) -> None:
        """Serve until Ctrl-C.

        Args:
            tell: called with the address when it answers.
        """
        tell(self.address)
        if self.options.opens_browser:
            threading.Timer(0.5, open_browser, [self.address]).start()
        with closing(self._socket):
            self._server.run(sockets=[self._socket])

    def start(self) -> threading.Thread:
        """Serve in a thread, as notebooks and tests do."""
        self._server.install_signal_handlers = lambda: None
        thread = threading.Thread(
            target=lambda: self._server.run(sockets=[self._socket]), daemon=True
        )
        thread.start()
        return thread

    def stop(self) -> None:
        """End it."""
        self._server.should_exit = True


def bind(host: str, port: int | None) -> socket.socket:
    """A socket that listens.

    Args:
        host: name or address of this machine.
        port: 0 for any; None for 8722 or the next free one.

    Raises:
        ConfigError: the port is in use, or the host is none of this machine.
    """
    ports = [port] if port is not None else [*range(PORT, PORT + TRIES), 0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    cause: OSError | None = None
    for number in ports:
        found = socket.socket(family, socket.SOCK_STREAM)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((host, number))
            found.listen()
            return found
        except (OSError, OverflowError) as error:
            found.close()
            cause = error if isinstance(error, OSError) else OSError(str(error))
    assert cause is not None
    raise ConfigError(
        f"the page cannot be served at {host}:{ports[0]}: {cause.strerror or cause}",
        "expected a free port of this machine",
        "choose another one with --port, or leave --port out",
    ) from cause


def open_browser(address: str) -> bool:
    """Open the page if this machine can; the address was printed in any case."""
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False
