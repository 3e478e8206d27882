"""Check that output files replace neither each other nor an input."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from fewscape.core import ConfigError
from fewscape.mapping.output.older_maps import find_older_files
from fewscape.mapping.plan import MapPlan, fold_name


def check_outputs(plans: Mapping[str, MapPlan], folder: Path, inputs: Iterable[Path]) -> None:
    """Check before mapping that all output files differ and replace no input.

    Files are compared by identity, not by name: links lead to the same file.

    Args:
        plans: plans of all maps in one folder, by scene.
        folder: output folder.
        inputs: input files of any of the maps, with their sidecars.

    Raises:
        ConfigError: two maps share a file, or an input would be replaced.
    """
    owners: dict[str, str] = {}
    for scene, plan in plans.items():
        for name in plan.file_names:
            other = owners.setdefault(fold_name(name), scene)
            if other != scene:
                raise ConfigError(
                    f"the maps of '{other}' and '{scene}' would both write a file '{name}'",
                    "one would replace the other",
                    "map them in several runs with different --output, or rename a class",
                )
    known = identify_files(inputs)
    for scene, plan in plans.items():
        for name in (*plan.file_names, *find_older_files(folder, plan.stem)):
            check_kept(folder / name, scene, known)


def check_kept(path: Path, scene: str, known: Mapping[tuple[int, int], Path]) -> None:
    """Check that an output file is not an input.

    Args:
        path: the output file.
        scene: scene of its map.
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
            "inputs are never overwritten",
            "choose another folder with --output",
        )


def identify_files(paths: Iterable[Path]) -> dict[tuple[int, int], Path]:
    """Map the identities of existing files to their paths."""
    return {found: path for path in paths if (found := _identify(path)) is not None}


def _identify(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file; None if it does not exist."""
    try:
        status = os.stat(path)  # noqa: PTH116 (the same for links)
    except OSError:
        return None
    return status.st_dev, status.st_ino
