"""Reading over the network: GDAL's settings, and what is worth another try."""

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
from fewscape.raster.gdal import tell_cause
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
"""The same in addresses that rasterio translates."""

REFUSALS = {
    "400": "check the address, above all its query",
    "401": "log in: give credentials by GDAL_HTTP_HEADERS or the AWS_... variables of the store",
    "403": "check the address's signature, or the credentials (such as AWS_NO_SIGN_REQUEST=YES)",
    "404": "check the address",
    "405": "download the file first: the server does not let files be read",
    "410": "look for the file's new address",
}
"""HTTP status that no second try mends, and the remedy."""

NO_RANGES = "ange downloading not supported"
"""GDAL's words for a server that ignores which bytes were asked for."""

STATUS = re.compile(r"response code(?: on \S+)?: ?(\d{3})")
"""Where GDAL's messages tell the HTTP status."""

SLOWEST = 1000
"""Bytes a second; a connection that stays below counts as dropped."""

MOST_BYTES = 256 << 20
"""Of a file that is fetched as a whole."""

VRT_LOOK = 1 << 20
"""Bytes of a VRT that are searched for sources on the network."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a read over the network is tried, and how long it waits.

    These tries come on top of GDAL's own, which repeat requests that the server refuses for the
    moment, but give up on bodies that end early and on connections that break.

    Raises:
        ConfigError: no try at all, or a negative time.
    """

    tries: int = 4
    """In all, the first one included."""
    delay: float = 1.0
    """Seconds before the second try; each further one waits twice as long as the one before."""
    timeout: float = 30.0
    """Seconds without data after which a connection counts as dropped."""

    def __post_init__(self) -> None:
        if self.tries < 1 or self.delay < 0 or self.timeout <= 0:
            raise ConfigError(
                f"{self.tries} tries, {self.delay} s apart, with a timeout of {self.timeout} s",
                "expected at least one try and no negative time",
                "the defaults are 4 tries, 1 s and 30 s",
            )

    @property
    def delays(self) -> tuple[float, ...]:
        """Seconds to wait after each failed try but the last.

        Examples:
            >>> Retry().delays
            (1.0, 2.0, 4.0)
        """
        return tuple(self.delay * 2**number for number in range(self.tries - 1))


def is_remote(source: Source) -> bool:
    """Whether reading needs the network; also of a local VRT whose parts do."""
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
    """A GDAL environment for rasters on the network; the user's own variables are kept.

    No folder is listed, so files beside the raster (``.ovr``, ``.msk``) are not looked for.
    Everything kept of a file is dropped when a handle of it closes, so a fresh handle asks anew:
    otherwise GDAL remembers for the rest of the process that a file could not be opened.
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
    """What an action over the network gives, at the first try that does not fail.

    Args:
        source: what is read.
        what: the part of it, for messages.
        retry: how often it is tried.
        action: reads.
        errors: that count as failures of the network.

    Raises:
        SceneError: all tries failed, or the server refuses.
    """
    for number in range(1, retry.tries + 1):
        try:
            return action()
        except errors as error:
            cause = tell_cause(error)
            if find_refusal(cause) or number == retry.tries:
                raise tell_failure(source, what, cause, number) from error
            delay = retry.delays[number - 1]
            log.warning(
                "try %d of %d of '%s' (%s) failed: %s; next in %g s",
                *(number, retry.tries, source, what, cause, delay),
            )
            time.sleep(delay)
    raise AssertionError("the last try returns or raises")


def fetch_bytes(source: Source, retry: Retry) -> bytes:
    """A small file over HTTP.

    Raises:
        SceneError: it cannot be reached.
    """
    address = source.address.removeprefix("/vsicurl/")
    if not address.lower().startswith(("http://", "https://")):
        raise SceneError(
            f"the file '{source}' cannot be read from there",
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
    """The remedy for what no second try mends, or None."""
    if NO_RANGES in cause:
        return "download the file first: the server sends no parts of files"
    status = STATUS.search(cause)
    return REFUSALS.get(status[1]) if status else None


def tell_failure(source: Source, what: str, cause: str, tries: int) -> SceneError:
    """That a read failed for good.

    Args:
        source: the raster.
        what: the part of it.
        cause: what GDAL said.
        tries: how many there were.
    """
    refusal = find_refusal(cause)
    cause = cause.replace(source.address, str(source))  # without signatures
    times = "1 try" if tries == 1 else f"{tries} tries"
    return SceneError(
        f"the scene '{source}' cannot be read over the network ({what}): {cause}",
        "the server refuses it" if refusal else f"{times} failed",
        refusal or "run it again later, with more --tries, or download the file first",
    )
