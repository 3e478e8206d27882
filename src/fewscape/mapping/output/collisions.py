"""Whether the files of maps would replace each other, or something that maps are made from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from fewscape.core import ConfigError
from fewscape.mapping.output.older_maps import find_older_files
from fewscape.mapping.plan import MapPlan, fold_name


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
            other = owners.setdefault(fold_name(name), scene)
            if other != scene:
                raise ConfigError(
                    f"the maps of '{other}' and '{scene}' would both have a file '{name}'",
                    "the file of one would replace that of the other",
                    "map them in several runs with different --output, or rename a class",
                )
    known = identify_files(inputs)
    for scene, plan in plans.items():
        for name in (*plan.file_names, *find_older_files(folder, plan.stem)):
            check_kept(folder / name, scene, known)


def check_kept(path: Path, scene: str, known: Mapping[tuple[int, int], Path]) -> None:
    """See that a file that is to be written is none of those that a map is made from.

    Args:
        path: of the file.
        scene: whose map it belongs to.
        known: see ``identify_files``.

    Raises:
        ConfigError: it is.
    """
    found = _identify(path)
    replaced = None if found is None else known.get(found)
    if replaced is not None:
        raise ConfigError(
            f"the map of '{scene}' would overwrite the input '{replaced}' with its file "
            f"'{path.name}'",
            "what a map is made from is kept",
            "choose another folder with --output",
        )


def identify_files(paths: Iterable[Path]) -> dict[tuple[int, int], Path]:
    """Files by what tells them apart, whatever they are called; those that are absent are not."""
    return {found: path for path in paths if (found := _identify(path)) is not None}


def _identify(path: Path) -> tuple[int, int] | None:
    """Device and number of a file; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 (the same for links)
    except OSError:
        return None
    return status.st_dev, status.st_ino
