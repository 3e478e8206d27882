"""Network reads: GDAL's settings and retries."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.error import HTTPError
from urllib.request import urlopen

from fewscape.core import ConfigError, SceneError
from fewscape.raster.gdal import describe_cause
from fewscape.raster.opening.sources import Source

if TYPE_CHECKING:
    import rasterio

log = logging.getLogger(__name__)

Result = TypeVar("Result")

FILE_SYSTEMS = (
    "/vsicurl/",
    "/vsis3/",
    "/vsigs/",
    "/vsiaz/",
    "/vsiadls/",
    "/vsioss/",
    "/vsiswift/",
    "/vsiwebhdfs/",
)
"""GDAL's file systems over HTTP."""

SCHEMES = ("http://", "https://", "ftp://", "s3://", "gs://", "az://", "oss://")
"""The same as URL schemes of rasterio."""

REFUSALS = {
    "400": "check the address, especially its query",
    "401": "log in: set credentials with GDAL_HTTP_HEADERS or the store's AWS_... variables",
    "403": "check the address's signature, or the credentials (such as AWS_NO_SIGN_REQUEST=YES)",
    "404": "check the address",
    "405": "download the file first: the server does not allow reading it",
    "410": "find the file's new address",
}
"""Remedies by HTTP status, for errors that a retry does not fix."""

NO_RANGES = "ange downloading not supported"
"""GDAL's message for a server without range requests."""

STATUS = re.compile(r"response code(?: on \S+)?: ?(\d{3})")
"""The HTTP status in GDAL's messages."""

SLOWEST = 1000
"""Bytes per second below which a connection counts as dropped."""

MOST_BYTES = 256 << 20
"""Of a file that is fetched as a whole."""

VRT_LOOK = 1 << 20
"""Bytes of a VRT that are searched for remote sources."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The retry policy of network reads.

    It comes on top of GDAL's own retries, which repeat temporarily refused requests but give up on
    truncated bodies and broken connections.

    Raises:
        ConfigError: there are no attempts, or a time is negative.
    """

    tries: int = 4
    """Total attempts, including the first."""
    delay: float = 1.0
    """Seconds before the first retry, doubled for each further one."""
    timeout: float = 30.0
    """Seconds without data after which a connection counts as dropped."""

    def __post_init__(self) -> None:
        if self.tries < 1 or self.delay < 0 or self.timeout <= 0:
            raise ConfigError(
                f"{self.tries} tries, {self.delay} s apart, with a timeout of {self.timeout} s",
                "expected at least one try and no negative times",
                "the defaults are 4 tries, 1 s and 30 s",
            )

    @property
    def delays(self) -> tuple[float, ...]:
        """Seconds to wait after each failed attempt but the last.

        Examples:
            >>> Retry().delays
            (1.0, 2.0, 4.0)
        """
        return tuple(self.delay * 2**number for number in range(self.tries - 1))


def is_remote(source: Source) -> bool:
    """Whether reading needs the network, including local VRTs with remote sources."""
    if source.address.lower().startswith(SCHEMES):
        return True
    if source.is_virtual:
        return any(system in source.address for system in FILE_SYSTEMS)
    if Path(source.address).suffix.lower() != ".vrt" or not Path(source.address).is_file():
        return False
    with Path(source.address).open("rb") as file:
        text = file.read(VRT_LOOK).decode("utf-8", "replace")
    return any(name in text for name in (*FILE_SYSTEMS, *SCHEMES[:3]))


def set_up_network(retry: Retry) -> rasterio.Env:
    """A GDAL environment for remote rasters; the user's own variables are kept.

    Folders are not listed, so sidecar files (``.ovr``, ``.msk``) are not found. GDAL's cache of a
    file is dropped when a handle closes, so that a fresh handle asks again; otherwise GDAL
    remembers a failed open for the rest of the process.
    """
    import rasterio

    seconds = str(max(1, round(retry.timeout)))
    options = {
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_HTTP_CONNECTTIMEOUT": seconds,
        "GDAL_HTTP_LOW_SPEED_TIME": seconds,
        "GDAL_HTTP_LOW_SPEED_LIMIT": str(SLOWEST),
        "GDAL_HTTP_MAX_RETRY": "2",
        "GDAL_HTTP_RETRY_DELAY": str(min(0.5, retry.delay)),
        "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
        "VSI_CACHE": "YES",
        "VSI_CACHE_SIZE": str(16 << 20),
    }
    chosen = {name: value for name, value in options.items() if name not in os.environ}
    return rasterio.Env(CPL_VSIL_CURL_NON_CACHED=":".join(FILE_SYSTEMS), **chosen)


def try_again(
    source: Source,
    what: str,
    retry: Retry,
    action: Callable[[], Result],
    errors: tuple[type[Exception], ...],
) -> Result:
    """Repeat a network action until it succeeds.

    Args:
        source: the file or raster.
        what: the part to read, for messages.
        retry: the retry policy.
        action: the read.
        errors: errors that count as network failures.

    Raises:
        SceneError: all attempts failed, or the server refuses.
    """
    for number in range(1, retry.tries + 1):
        try:
            return action()
        except errors as error:
            cause = describe_cause(error)
            if find_refusal(cause) or number == retry.tries:
                raise describe_failure(source, what, cause, number) from error
            delay = retry.delays[number - 1]
            log.warning(
                "try %d of %d of '%s' (%s) failed: %s; next in %g s",
                *(number, retry.tries, source, what, cause, delay),
            )
            time.sleep(delay)
    raise AssertionError("the last attempt returns or raises")


def fetch_bytes(source: Source, retry: Retry) -> bytes:
    """Fetch a small file over HTTP.

    Raises:
        SceneError: it is unreachable.
    """
    address = source.address.removeprefix("/vsicurl/")
    if not address.lower().startswith(("http://", "https://")):
        raise SceneError(
            f"the file '{source}' cannot be read",
            "expected a local file or an address that begins with http:// or https://",
            "download it first",
        )

    def fetch() -> bytes:
        try:
            with urlopen(address, timeout=retry.timeout) as answer:  # noqa: S310 (http, see above)
                content = bytes(answer.read(MOST_BYTES + 1))
                if answer.length and len(content) <= MOST_BYTES:
                    raise IncompleteRead(content, answer.length)
        except HTTPError as error:
            raise OSError(f"HTTP response code: {error.code}") from None
        if len(content) > MOST_BYTES:
            raise SceneError(
                f"'{source}' has more than {MOST_BYTES >> 20} MB",
                "expected a STAC item or item collection",
                "ask for fewer items",
            )
        return content

    return try_again(source, "all of it", retry, fetch, (OSError, HTTPException))


def find_refusal(cause: str) -> str | None:
    """The remedy for an error that a retry does not fix, or None."""
    if NO_RANGES in cause:
        return "download the file first: the server does not support range requests"
    status = STATUS.search(cause)
    return REFUSALS.get(status[1]) if status else None


def describe_failure(source: Source, what: str, cause: str, tries: int) -> SceneError:
    """The error for a read that failed for good.

    Args:
        source: the raster.
        what: the part to read.
        cause: GDAL's message.
        tries: number of attempts.
    """
    refusal = find_refusal(cause)
    cause = cause.replace(source.address, str(source))  # without signatures
    times = "1 try" if tries == 1 else f"{tries} tries"
    return SceneError(
        f"the scene '{source}' cannot be read over the network ({what}): {cause}",
        "the server refuses it" if refusal else f"{times} failed",
        refusal or "try again later, raise --tries, or download the file first",
    )
