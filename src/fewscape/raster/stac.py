"""Scenes in STAC items.

Plain JSON is enough for this. odc-stac, which others use, puts many items on one grid and loads
them into a data cube; here each item is a scene of its own that is read window by window, so all
that is needed is the address of one asset.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from fewscape.core import SceneError, suggest
from fewscape.raster.sources import SCHEME

ROLES = ("data", "visual")
"""Roles of the asset that is taken if none is named; the first that exactly one asset has."""


def read_items(path: Path, asset: str | None = None) -> Iterator[tuple[str, str]]:
    """The items of a local STAC item or item collection: name and address of one asset each.

    Names are the items' ids, with the suffix of the asset: assets of different items are often
    called alike. Addresses that are relative are relative to the file, or to the item's ``self``
    link if nothing lies there.

    Args:
        path: JSON file.
        asset: key of the asset; otherwise the only one with the role ``data``, or else the only
            one with the role ``visual`` or of that name.

    Raises:
        SceneError: no STAC, no items, no such asset, or none that stands out.
    """
    for item in _read(path):
        name = str(item.get("id") or path.stem)
        assets = item["assets"]
        href = str(assets[_choose(path, name, assets, asset)].get("href", ""))
        safe = "".join(char if char.isalnum() or char in "_.-" else "_" for char in name)
        yield safe + Path(href.partition("?")[0]).suffix, _resolve(href, item, path)


def _read(path: Path) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise SceneError(
            f"'{path}' is not readable JSON: {error}",
            "expected a STAC item or item collection",
            "check the file",
        ) from error
    kind = content.get("type") if isinstance(content, dict) else None
    items = content.get("features", []) if kind == "FeatureCollection" else [content]
    if not items or not all(
        isinstance(i, dict) and isinstance(i.get("assets"), dict) for i in items
    ):
        raise SceneError(
            f"'{path}' holds no STAC items",
            "expected a Feature with 'assets', or a FeatureCollection of such",
            "give polygons with --examples, and rasters or STAC items as scenes",
        )
    return items


def _choose(path: Path, name: str, assets: Mapping[str, Any], asset: str | None) -> str:
    """Key of the asset to map."""
    listing = ", ".join(sorted(assets)) or "none"
    if asset is not None:
        if asset not in assets:
            raise SceneError(
                f"the item '{name}' of '{path}' has no asset '{asset}'",
                f"it has {listing}",
                suggest(asset, assets),
            )
        return asset
    for role in ROLES:
        having = [key for key, entry in assets.items() if role in (entry.get("roles") or ())]
        if len(having) == 1:
            return having[0]
    if "visual" in assets:
        return "visual"
    if len(assets) == 1:
        return next(iter(assets))
    raise SceneError(
        f"no asset of the item '{name}' of '{path}' stands out",
        f"expected one with the role 'data' or 'visual'; the assets are {listing}",
        "name one with --asset",
    )


def _resolve(href: str, item: Mapping[str, Any], path: Path) -> str:
    if SCHEME.match(href) or href.startswith("/"):
        return href
    beside = path.parent / href
    links = item.get("links") or ()
    origin = next((str(link.get("href")) for link in links if link.get("rel") == "self"), "")
    if not beside.exists() and SCHEME.match(origin):
        return urljoin(origin, href)
    return str(beside)
