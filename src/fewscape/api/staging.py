"""Turn files, arrays and tables into the fields of a request."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewscape.api.arrays import SceneInput, is_in_memory, read_array
from fewscape.api.tables import ExamplesInput, is_table, write_table
from fewscape.core import ConfigError
from fewscape.raster import Source, to_source
from fewscape.request import MapRequest, Reporter
from fewscape.request.map_request import DEFAULTS, default_of

log = logging.getLogger("fewscape")


class LogReporter(Reporter):
    """Reports to ``logging``, which shows warnings by default."""

    def info(self, sentence: str) -> None:
        """Log at level INFO."""
        log.info(sentence)

    def warn(self, sentence: str) -> None:
        """Log at level WARNING."""
        log.warning(sentence)


def stage_scene(scene: SceneInput, folder: Path, name: str, **place: Any) -> str:  # noqa: ANN401
    """Return the path or address of a scene; write arrays to a folder.

    Args:
        scene: the scene.
        folder: folder for arrays.
        name: file name without suffix.
        place: ``crs`` and ``transform`` of an array.

    Raises:
        ConfigError: ``crs`` or ``transform`` was given for a file, which has its own.
        SceneError: see ``read_array``.
    """
    if is_in_memory(scene):
        return str(read_array(scene, **place).write(folder / f"{name}.tif"))
    for option, value in place.items():
        if value is not None:
            raise ConfigError(
                f"{option} was given for '{scene}'",
                "a file has its own georeference",
                f"leave out {option}, or give an array",
            )
    return str(scene)


def stage_examples(examples: ExamplesInput | None, folder: Path, stem: str, field: str) -> Any:  # noqa: ANN401
    """Return the path of the examples; write a table to a folder."""
    if examples is None or not is_table(examples):
        return examples
    return write_table(examples, folder / f"{stem}_examples.fgb", field)


def make_request(given: Mapping[str, Any]) -> MapRequest:
    """Make a request from keyword arguments.

    Raises:
        ConfigError: an argument is unknown or has an invalid value.
    """
    for name in given:
        if name not in DEFAULTS:
            nearest = difflib.get_close_matches(name, DEFAULTS, n=1)
            hint = f"did you mean '{nearest[0]}'?" if nearest else "see fewscape.MapRequest"
            raise ConfigError(f"there is no option '{name}'", hint)
    return MapRequest(**given)


def choose_field(options: Mapping[str, Any]) -> str:
    """Choose the column that holds the class."""
    return str(options.get("class_field", default_of("class_field")))


def name_scene(scene: SceneInput, default: str) -> Source:
    """The name that output files start with."""
    return to_source(f"{default}.tif" if is_in_memory(scene) else str(scene))
