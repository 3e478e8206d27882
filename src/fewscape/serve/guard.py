"""Who may talk to the server: pages that it sent itself, under a name that is its own."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES = 4_000_000
"""Of what a page may send at once."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
"""Nothing from elsewhere is loaded, and nothing written in a page is run."""


class Guard:
    """Refuses what does not come from our own page.

    Every address begins with a token that only the person who started the server knows; so other
    pages in the same browser can ask for nothing. ``Host`` must be ours, so that no foreign name
    can be pointed at this machine, and ``Origin``, where a browser names one, too.

    Args:
        app: what is guarded.
        token: the first part of every address.
        hosts: names with ports under which the server is reached; none to accept every name.
        frames: pages that may show ours in a frame, as the content security policy writes them.
    """

    def __init__(self, app: App, token: str, hosts: Iterable[str], frames: str = "'none'") -> None:
        self.app = app
        self.token = token
        self.hosts = frozenset(host.lower() for host in hosts)
        self.policy = f"{POLICY}; frame-ancestors {frames}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refusal = self._judge(scope)
        if refusal is not None:
            await _refuse(send, *refusal)
            return
        prefix = f"/{self.token}"
        inner = {
            **scope,
            "path": scope["path"][len(prefix) :] or "/",
            "raw_path": None,
            "root_path": "",
        }
        await self.app(inner, _limit(receive), self._add_headers(send))

    def _judge(self, scope: Scope) -> tuple[int, str] | None:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        host = headers.get("host", "").lower()
        if self.hosts and host not in self.hosts:
            return 421, "this server answers under its own name only; use the address it printed"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host:
            return 403, "another page asked; open the address that the server printed"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and (
            scope["method"] not in ("GET", "HEAD")
        ):
            return 403, "another page asked; open the address that the server printed"
        first = scope["path"].lstrip("/").partition("/")[0]
        if not hmac.compare_digest(first.encode(), self.token.encode()):
            return 403, "the address lacks the token; open the one that the server printed"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return 413, f"more than {MOST_BYTES:,} bytes were sent; send less at once"
        return None

    def _add_headers(self, send: Send) -> Send:
        extra = [
            (b"content-security-policy", self.policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        return sending


def _limit(receive: Receive) -> Receive:
    """No body is longer than it may be, whatever its head says."""
    count = 0

    async def receiving() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > MOST_BYTES:
            return {"type": "http.disconnect"}
        return message

    return receiving


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = sentence.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
