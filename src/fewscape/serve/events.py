"""News for every open page: server-sent events from any thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

MOST_WAITING = 500
"""News that a page may be behind; one that stopped reading is dropped, and asks anew."""

PULSE = 15.0
"""Seconds between signs of life."""


class Broadcaster:
    """Hands news on to all pages that listen."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[str | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def num_listeners(self) -> int:
        """Open pages."""
        return len(self._queues)

    def attach(self) -> None:
        """Use the running loop; called in it before anything is published."""
        self._loop = asyncio.get_running_loop()

    def publish(self, kind: str, **told: object) -> None:
        """Tell all pages, from any thread."""
        text = f"event: {kind}\ndata: {json.dumps(told)}\n\n"
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, text)

    def finish(self) -> None:
        """End all streams, so that the server can stop."""
        for queue in self._queues:
            queue.put_nowait(None)

    async def stream(self, first: str = "") -> AsyncIterator[str]:
        """What a page reads, until it goes away."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield "retry: 1000\n\n" + first
            while True:
                try:
                    text = await asyncio.wait_for(queue.get(), PULSE)
                except TimeoutError:
                    text = ": alive\n\n"
                if text is None:
                    return
                yield text
        finally:
            self._queues.discard(queue)

    def _put(self, text: str) -> None:
        for queue in list(self._queues):
            if queue.qsize() < MOST_WAITING:
                queue.put_nowait(text)
            else:
                self._queues.discard(queue)
                queue.put_nowait(None)
