"""Bands by number and by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fewscape.core import SceneError, suggest

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

SPELLINGS = {"grey": "gray"}
"""Synonyms of colour interpretations."""


def name_bands(dataset: DatasetReader) -> tuple[str, ...]:
    """The name of each band: its description, otherwise its colour interpretation, otherwise empty.

    ``gray`` does not count as a name, since it is the default of the first of several bands.
    """
    colours = (colour.name for colour in dataset.colorinterp)
    nameless = ("undefined",) if dataset.count <= 2 else ("undefined", "gray")
    return tuple(
        (text or "").strip() or ("" if colour in nameless else colour)
        for text, colour in zip(dataset.descriptions, colours, strict=True)
    )


def find_bands(
    dataset: DatasetReader, wanted: Sequence[int | str] | None, scene: str
) -> tuple[int, ...]:
    """Find band numbers by number or name; by default all bands except alpha.

    Names are those of ``name_bands``, in any case. The colour interpretation of a band with a
    description is ignored, since many files mark their first three bands as red, green and blue
    whatever they show.

    Args:
        dataset: the open raster.
        wanted: numbers from 1, or names; repeats are allowed. None for all.
        scene: name of the raster in messages.

    Raises:
        SceneError: a band does not exist, or its name is ambiguous.
    """
    if wanted is None:
        colours = enumerate(dataset.colorinterp, start=1)
        return tuple(number for number, colour in colours if colour.name != "alpha")
    return tuple(
        _find_name(dataset, band, scene)
        if isinstance(band, str)
        else _check(dataset, band, wanted, scene)
        for band in wanted
    )


def _find_name(dataset: DatasetReader, name: str, scene: str) -> int:
    folded = SPELLINGS.get(name.casefold(), name.casefold())
    names = name_bands(dataset)
    found = [number for number, other in enumerate(names, 1) if other.casefold() == folded]
    if len(found) == 1:
        return found[0]
    if found:
        raise SceneError(
            f"the scene '{scene}' has {len(found)} bands named '{name}': "
            f"{', '.join(map(str, found))}",
            "expected one",
            "choose it by its number with --bands",
        )
    known = [other for other in names if other]
    raise SceneError(
        f"the scene '{scene}' has no band named '{name}'",
        f"it has {list_bands(dataset)}",
        suggest(name, known) if known else "choose by number with --bands",
    )


def list_bands(dataset: DatasetReader) -> str:
    """List all bands for messages, such as ``1 red, 2 green, 3 without a name``."""
    names = name_bands(dataset)
    return ", ".join(
        f"{number} {name or 'without a name'}" for number, name in enumerate(names, start=1)
    )


def _check(dataset: DatasetReader, band: int, wanted: Sequence[int | str], scene: str) -> int:
    count = dataset.count
    if 1 <= band <= count:
        return band
    many = "1 band" if count == 1 else f"{count} bands"
    chosen = ",".join(map(str, wanted))
    remedy = "--bands 1,1,1 repeats one band three times" if count < 3 else "choose with --bands"
    raise SceneError(
        f"the scene '{scene}' has {many}, but band {band} was requested",
        f"the model needs {len(wanted)} bands, {chosen} were chosen",
        remedy,
    )
