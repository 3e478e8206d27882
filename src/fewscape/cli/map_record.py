"""What a written map tells about its making, and the files that it was made from."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

Place = TypeVar("Place", Path, str)


@dataclass(frozen=True, slots=True)
class MapRecord:
    """The tags of one raster of a map."""

    path: Path
    tags: Mapping[str, str]
    layer: str
    """Description of its band: ``class`` or ``probability of roof``."""

    @property
    def version(self) -> str:
        """Of fewscape, when the map was written."""
        return self.tags["FEWSCAPE_VERSION"]

    @property
    def is_of_pair(self) -> bool:
        """Whether a panchromatic and multispectral pair was mapped."""
        return "PAN" in self.tags

    @property
    def parameters(self) -> dict[str, Any]:
        """What decided the map besides model, examples and scene."""
        found: dict[str, Any] = json.loads(self.tags["PARAMETERS"])
        return found


def read_record(path: Path) -> MapRecord:
    """Read the tags of a map.

    Raises:
        SceneError: the file is missing or no raster.
        ConfigError: it was not written by ``fewscape map``.
    """
    from fewscape.core import ConfigError
    from fewscape.raster.gdal import open_raster

    with open_raster(path) as dataset:
        record = MapRecord(path, dataset.tags(), str(dataset.descriptions[0]))
    rasters = ("PAN", "MS") if record.is_of_pair else ("SCENE",)
    needed = ("FEWSCAPE_VERSION", *rasters, "MODEL", "PARAMETERS")
    missing = [name for name in needed if name not in record.tags]
    if missing:
        raise ConfigError(
            f"'{path}' does not tell how it was made: it has no tag {missing[0]}",
            "expected a raster written by 'fewscape map'",
            "give the file as it was written; copying with other programs may drop tags",
        )
    return record


def find_inputs(record: MapRecord, arguments: argparse.Namespace) -> list[str]:
    """The words of ``fewscape map`` that name the same scene, examples and model.

    Args:
        record: of the map.
        arguments: paths that were given, each or None: ``scene``, ``pan``, ``ms``, ``examples``,
            ``example_scene``, ``model``, ``weights``.

    Raises:
        ConfigError: a file is not found, or is not the one that the map was made from.
    """
    tags = record.tags
    model = ["--model", _find_model(record, arguments.model)]
    if record.is_of_pair:
        pan, ms = (_find_raster(record, name, getattr(arguments, name)) for name in ("pan", "ms"))
        return ["--pan", pan, "--ms", ms, *model, *_find_examples(record, arguments)]
    scene = _find_raster(record, "scene", arguments.scene)
    words = [scene, *model]
    if "EXAMPLES" in tags:
        words += _find_examples(record, arguments)
        words += ["--example_scene", _find_source(record, scene, arguments.example_scene)]
    weights = record.parameters.get("weights")
    if weights:
        words += ["--weights", _find_weights(record, weights, arguments.weights)]
    return words


def _find_raster(record: MapRecord, option: str, given: Path | str | None) -> str:
    """Path or address of a raster with the recorded fingerprint."""
    from fewscape.raster import to_source
    from fewscape.raster.opening.identity import fingerprint_scene

    tag = option.upper()
    if given is not None and to_source(given).is_virtual:
        found = str(given)
    else:
        path = None if given is None else Path(given)
        found = str(_find(record, option, record.tags[tag], path))
    _compare(record, option, found, record.tags.get(f"{tag}_FINGERPRINT"), fingerprint_scene)
    return found


def _find_examples(record: MapRecord, arguments: argparse.Namespace) -> list[str]:
    path = _find(record, "examples", record.tags["EXAMPLES"], arguments.examples)
    _compare(record, "examples", path, record.tags.get("EXAMPLES_SHA256"), _hash)
    return ["--examples", str(path)]


def _find_source(record: MapRecord, scene: str, given: Path | None) -> str:
    """The scene of the examples, which may be the scene itself."""
    fingerprint = record.tags.get("EXAMPLE_SCENE_FINGERPRINT")
    if given is None and fingerprint == record.tags.get("SCENE_FINGERPRINT"):
        return scene
    return _find_raster(record, "example_scene", given)


def _find_model(record: MapRecord, given: str | None) -> str:
    """The name of a network, or a folder with the recorded weights."""
    from fewscape.zoo import EMBEDDED_NAMES, MODELS, PIXEL_MODELS, embedded_folder

    name = given or record.tags["MODEL"]
    recorded = record.tags.get("MODEL_SHA256")
    if recorded is None and name in (*MODELS, *PIXEL_MODELS):
        return name
    is_embedded = name in EMBEDDED_NAMES and not Path(name).is_dir()
    if is_embedded:
        folder = embedded_folder(name)
    else:
        folder = _find(record, "model", record.tags["MODEL"], Path(given) if given else None)
    _compare(record, "model", folder, recorded, lambda path: _hash(path / "model.safetensors"))
    return name if is_embedded else str(folder)


def _find_weights(record: MapRecord, name: str, given: str | None) -> str:
    """A file with the recorded bytes, or the recorded name of weights from the hub."""
    recorded = record.tags.get("WEIGHTS_SHA256")
    if recorded is None:
        return given or name
    path = _find(record, "weights", name, Path(given) if given else None)
    _compare(record, "weights", path, recorded, _hash)
    return str(path)


def _find(record: MapRecord, option: str, name: str, given: Path | None) -> Path:
    """The given path, or a file or folder of the recorded name."""
    from fewscape.core import ConfigError

    if given is not None:
        if not given.exists():
            raise ConfigError(f"--{option} '{given}' does not exist", "", "check the path")
        return given
    for folder in (record.path.resolve().parent, Path()):
        if (folder / name).exists():
            return folder / name
    raise ConfigError(
        f"the {_word(option)} '{name}' of the map '{record.path}' was not found",
        "it was looked for beside the map and in the current folder",
        f"give its place with --{option}",
    )


def _compare(
    record: MapRecord,
    option: str,
    path: Place,
    recorded: str | None,
    measure: Callable[[Place], str],
) -> None:
    """Refuse a file that is not the one that the map tells of; maps may tell nothing."""
    from fewscape.core import ConfigError

    found = measure(path) if recorded else None
    if found != recorded:
        raise ConfigError(
            f"the {_word(option)} '{path}' is not what '{record.path}' was made from: "
            f"its SHA-256 begins with {str(found)[:12]}",
            f"the map tells {str(recorded)[:12]}",
            f"give the original with --{option}, or map anew with 'fewscape map'",
        )


def _word(option: str) -> str:
    """What an option names."""
    kinds = {"pan": "panchromatic raster", "ms": "multispectral raster"}
    return kinds.get(option, option.replace("_", " "))


def _hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    from fewscape.core import ConfigError

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(
            f"'{path}' cannot be read: {error.strerror}", "expected a file", "check the path"
        ) from error
