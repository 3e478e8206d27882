"""Whether the files of maps would replace each other, or something that maps are made from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from fewscape.core import ConfigError
from fewscape.mapping.output.older_maps import find_older_files
from fewscape.mapping.plan import MapPlan


def check_outputs(plans: Mapping[str, MapPlan], folder: Path, inputs: Iterable[Path]) -> None:
    """See before the work that every file of every map has a name and a place of its own.

    No file may be that of another map, or one that a map is made from. Files are told apart by
    what they are, not by their names: links lead to the same file.

    Args:
        plans: of all maps that go into one folder, by what to call each scene.
        folder: where the maps go.
        inputs: files that any of the maps is made from, with those that belong to them.

    Raises:
        ConfigError: two maps share a file, or an input would be replaced.
    """
    owners: dict[str, str] = {}
    for scene, plan in plans.items():
        for name in plan.file_names:
            other = owners.setdefault(name.casefold(), scene)
            if other != scene:
                raise ConfigError(
                    f"the maps of '{other}' and '{scene}' would both have a file '{name}'",
                    "the file of one would replace that of the other",
                    "map them in several runs with different --output, or rename a class",
                )
    known = {found: path for path in inputs if (found := _identify(path)) is not None}
    for scene, plan in plans.items():
        for name in (*plan.file_names, *find_older_files(folder, plan.stem)):
            replaced = _find(known, folder / name)
            if replaced is not None:
                raise ConfigError(
                    f"the map of '{scene}' would overwrite the input '{replaced}' with its "
                    f"file '{name}'",
                    "what a map is made from is kept",
                    "choose another folder with --output",
                )


def _find(known: Mapping[tuple[int, int], Path], path: Path) -> Path | None:
    found = _identify(path)
    return None if found is None else known.get(found)


def _identify(path: Path) -> tuple[int, int] | None:
    """Device and number of a file; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 (the same for links)
    except OSError:
        return None
    return status.st_dev, status.st_ino
