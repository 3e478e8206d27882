"""Fields of a request from files, arrays and tables alike."""

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
    """Passes on to ``logging``: warnings are shown unless logging is set up otherwise."""

    def tell(self, sentence: str) -> None:
        """At the level INFO."""
        log.info(sentence)

    def warn(self, sentence: str) -> None:
        """At the level WARNING."""
        log.warning(sentence)


def stage_scene(scene: SceneInput, folder: Path, name: str, **place: Any) -> str:  # noqa: ANN401
    """Path or address of a scene; arrays are written into a folder.

    Args:
        scene: the scene.
        folder: for arrays.
        name: of the file, without suffix.
        place: ``crs`` and ``transform`` of an array.

    Raises:
        ConfigError: a place was given for a file, which tells its own.
        SceneError: see ``read_array``.
    """
    if is_in_memory(scene):
        return str(read_array(scene, **place).write(folder / f"{name}.tif"))
    for option, value in place.items():
        if value is not None:
            raise ConfigError(
                f"{option} was given for '{scene}'",
                "a file tells its own place",
                f"leave out {option}, or give an array",
            )
    return str(scene)


def stage_examples(examples: ExamplesInput | None, folder: Path, stem: str, field: str) -> Any:  # noqa: ANN401
    """Path of the examples; a table is written into a folder, after the scene."""
    if examples is None or not is_table(examples):
        return examples
    return write_table(examples, folder / f"{stem}_examples.fgb", field)


def make_request(given: Mapping[str, Any]) -> MapRequest:
    """The request of keyword arguments.

    Raises:
        ConfigError: an unknown one, or an impossible value.
    """
    for name in given:
        if name not in DEFAULTS:
            nearest = difflib.get_close_matches(name, DEFAULTS, n=1)
            hint = f"did you mean '{nearest[0]}'?" if nearest else "see fewscape.MapRequest"
            raise ConfigError(f"there is no option '{name}'", hint)
    return MapRequest(**given)


def choose_field(options: Mapping[str, Any]) -> str:
    """The column of the class."""
    return str(options.get("class_field", default_of("class_field")))


def name_scene(scene: SceneInput, default: str) -> Source:
    """What maps are named after."""
    return to_source(f"{default}.tif" if is_in_memory(scene) else str(scene))
