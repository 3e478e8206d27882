"""Scenes in STAC items.

Plain JSON is enough: odc-stac loads many items into a data cube on one grid, whereas here each item
is a scene that is read window by window, so only the address of one asset is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from fewscape.core import SceneError, parse_json, suggest
from fewscape.raster.opening.remote import FILE_SYSTEMS, Retry, fetch_bytes
from fewscape.raster.opening.sources import SCHEME, Source

ROLES = ("data", "visual")
"""Roles of the default asset: the first role that exactly one asset has."""

MOST_ITEMS = 100_000
"""Of one collection."""


def read_items(
    source: Source, asset: str | None = None, retry: Retry | None = None
) -> Iterator[tuple[str, str]]:
    """Read the items of a STAC item or item collection: name and address of one asset each.

    Names are the items' ids with the suffix of the asset, since assets of different items often
    share a name. Relative addresses are relative to the file, or to the item's ``self`` link if no
    local file exists there.

    Args:
        source: JSON file, local or remote.
        asset: key of the asset; by default the only one with the role ``data``, otherwise the only
            one with the role or name ``visual``.
        retry: retry policy of network reads.

    Raises:
        SceneError: the file is unreachable or not STAC, has no items or too many, the asset is
            missing or ambiguous, or it has no address, or an item from the web points to an asset
            on this machine.
    """
    file = source.file
    try:
        content = fetch_bytes(source, retry or Retry()) if file is None else file.read_bytes()
    except OSError as error:
        raise SceneError(
            f"'{source}' cannot be read: {error.strerror}", "", "check the file"
        ) from error
    for item in _parse(source, content):
        name = str(item.get("id") or source.stem)
        assets = item["assets"]
        key = _choose(source, name, assets, asset)
        href = assets[key].get("href")
        if not isinstance(href, str) or not href.strip():
            raise SceneError(
                f"the asset '{key}' of the item '{name}' of '{source}' has no address",
                "expected 'href' with a path or a URL",
                "choose another one with --asset",
            )
        safe = "".join(char if char.isalnum() or char in "_.-" else "_" for char in name)
        yield safe + Path(href.partition("?")[0]).suffix, _resolve(href, item, source)


def _parse(source: Source, text: bytes) -> list[Mapping[str, Any]]:
    try:
        content = parse_json(text)
    except ValueError as error:
        raise SceneError(
            f"'{source}' is not readable JSON: {error}",
            "expected a STAC item or item collection",
            "check the file",
        ) from error
    kind = content.get("type") if isinstance(content, dict) else None
    items = content.get("features") if kind == "FeatureCollection" else [content]
    if isinstance(items, list) and len(items) > MOST_ITEMS:
        raise SceneError(
            f"'{source}' holds {len(items):,} STAC items",
            f"expected at most {MOST_ITEMS:,}",
            "use fewer",
        )
    if not items or not isinstance(items, list) or not all(map(_is_item, items)):
        raise SceneError(
            f"'{source}' holds no STAC items",
            "expected a Feature with 'assets', or a FeatureCollection of them",
            "give polygons with --examples, and rasters or STAC items as scenes",
        )
    return items


def _is_item(content: object) -> bool:
    """Whether the content has assets that are JSON objects."""
    assets = content.get("assets") if isinstance(content, dict) else None
    return isinstance(assets, dict) and all(isinstance(each, dict) for each in assets.values())


def _choose(source: Source, name: str, assets: Mapping[str, Any], asset: str | None) -> str:
    """Key of the asset to map."""
    listing = ", ".join(sorted(assets)) or "none"
    if asset is not None:
        if asset not in assets:
            raise SceneError(
                f"the item '{name}' of '{source}' has no asset '{asset}'",
                f"it has {listing}",
                suggest(asset, assets),
            )
        return asset
    for role in ROLES:
        having = [key for key, entry in assets.items() if role in _list(entry.get("roles"))]
        if len(having) == 1:
            return having[0]
    if "visual" in assets:
        return "visual"
    if len(assets) == 1:
        return next(iter(assets))
    raise SceneError(
        f"the asset of the item '{name}' of '{source}' is ambiguous",
        f"expected one with the role 'data' or 'visual'; the assets are {listing}",
        "choose one with --asset",
    )


def _resolve(href: str, item: Mapping[str, Any], source: Source) -> str:
    is_local = href.startswith("/vsi") and not href.startswith(FILE_SYSTEMS)
    if source.file is None and (is_local or href.lower().startswith("file:")):
        raise SceneError(
            f"'{source}' points to '{href}' on this machine",
            "expected a URL or an object store",
            "download the item, if you trust it",
        )
    if SCHEME.match(href) or href.startswith("/vsi"):
        return href
    if source.file is None:
        return urljoin(source.address.removeprefix("/vsicurl/"), href)
    if href.startswith("/"):
        return href
    beside = source.file.parent / href
    links = [link for link in _list(item.get("links")) if isinstance(link, dict)]
    origin = next((str(link.get("href")) for link in links if link.get("rel") == "self"), "")
    if not beside.exists() and SCHEME.match(origin):
        return urljoin(origin, href)
    return str(beside)


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
