"""Read the tags of a written map and find its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fewscape import zoo
from fewscape.backbones.weights import HUB_PREFIX
from fewscape.core import ConfigError, hash_file, parse_json
from fewscape.models.folder import WEIGHTS
from fewscape.raster import to_source
from fewscape.raster.gdal import open_raster
from fewscape.raster.opening.identity import fingerprint_scene
from fewscape.zoo.own_networks import split_class_path

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
        """Version of fewscape that wrote the map."""
        return self.tags["FEWSCAPE_VERSION"]

    @property
    def is_of_pair(self) -> bool:
        """Whether the map is of a panchromatic and multispectral pair."""
        return "PAN" in self.tags

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of the map besides model, examples and scene.

        Raises:
            ConfigError: the tag was altered.
        """
        try:
            found = parse_json(self.tags["PARAMETERS"].encode())
        except ValueError as error:
            raise _unreadable(self.path, "PARAMETERS", str(error)) from error
        if not isinstance(found, dict):
            raise _unreadable(self.path, "PARAMETERS", "it is not a table")
        return found

    @property
    def batch_size(self) -> int | None:
        """Windows per batch if a memory limit reduced the requested number."""
        told = self.tags.get("BATCH_SIZE")
        if told is None or told.isdecimal():
            return None if told is None else int(told)
        raise _unreadable(self.path, "BATCH_SIZE", f"it is '{told[:20]}'")


def _unreadable(path: Path, tag: str, why: str) -> ConfigError:
    return ConfigError(
        f"'{path}' has an unreadable tag {tag} ({why})",
        "expected an unchanged raster of 'fewscape map'",
        "use the original file",
    )


def read_record(path: Path) -> MapRecord:
    """Read the tags of a map.

    Raises:
        SceneError: the file is missing or not a raster.
        ConfigError: it was not written by ``fewscape map``.
    """
    with open_raster(path) as dataset:
        record = MapRecord(path, dataset.tags(), str(dataset.descriptions[0]))
    rasters = ("PAN", "MS") if record.is_of_pair else ("SCENE",)
    needed = ("FEWSCAPE_VERSION", *rasters, "MODEL", "PARAMETERS")
    missing = [name for name in needed if name not in record.tags]
    if missing:
        raise ConfigError(
            f"'{path}' has no record of how it was made: the tag {missing[0]} is missing",
            "expected a raster written by 'fewscape map'",
            "use the original file; other programs may drop tags when copying",
        )
    return record


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenFiles:
    """The known inputs of a map; the others are looked for."""

    scene: Path | str | None = None
    pan: Path | str | None = None
    ms: Path | str | None = None
    examples: Path | str | None = None
    example_scene: Path | str | None = None
    model: str | None = None
    weights: Path | str | None = None


def find_inputs(record: MapRecord, given: GivenFiles) -> dict[str, Any]:
    """Find scene, examples and model of a map, as fields of a request.

    Args:
        record: record of the map.
        given: known files.

    Raises:
        ConfigError: an input is not found, or is not the one that the map was made from.
    """
    found: dict[str, Any] = {"model": _find_model(record, given.model)}
    if record.is_of_pair:
        found |= {name: _find_raster(record, name, getattr(given, name)) for name in ("pan", "ms")}
    else:
        scene = _find_raster(record, "scene", given.scene)
        found["scenes"] = (scene,)
    if "EXAMPLES" in record.tags:
        found["examples"] = _find_examples(record, given.examples)
        if not record.is_of_pair:
            found["example_scene"] = _find_source(record, scene, given.example_scene)
    weights = record.parameters.get("weights")
    if weights:
        if not isinstance(weights, str):
            raise _unreadable(record.path, "PARAMETERS", f"weights are {weights!r}")
        found["weights"] = _find_weights(record, weights, given.weights)
    return found


def _find_raster(record: MapRecord, option: str, given: Path | str | None) -> str:
    """Find the raster with the recorded fingerprint."""
    tag = option.upper()
    if given is not None and to_source(given).is_virtual:
        found = str(given)
    else:
        found = str(_find(record, option, record.tags[tag], given))
    _compare(record, option, found, record.tags.get(f"{tag}_FINGERPRINT"), fingerprint_scene)
    return found


def _find_examples(record: MapRecord, given: Path | str | None) -> Path:
    path = _find(record, "examples", record.tags["EXAMPLES"], given)
    _compare(record, "examples", path, record.tags.get("EXAMPLES_SHA256"), _hash)
    return path


def _find_source(record: MapRecord, scene: str, given: Path | str | None) -> str:
    """Find the scene of the examples, which may be the mapped scene."""
    fingerprint = record.tags.get("EXAMPLE_SCENE_FINGERPRINT")
    if given is None and fingerprint == record.tags.get("SCENE_FINGERPRINT"):
        return scene
    return _find_raster(record, "example_scene", given)


def _find_model(record: MapRecord, given: str | None) -> str:
    """Find the model: a name, or a folder with the recorded weights.

    A class path in the tags is never executed; the user must name it.
    """
    title, recorded = record.tags["MODEL"], record.tags.get("MODEL_SHA256")
    if split_class_path(title):
        return _find_own_network(record, title, recorded, given)
    name = given or title
    if recorded is None and not Path(name).is_dir():
        return name
    is_embedded = name in zoo.EMBEDDED_NAMES and not Path(name).is_dir()
    folder = zoo.embedded_folder(name) if is_embedded else _find(record, "model", title, given)
    _compare(record, "model", folder, recorded, lambda path: _hash(path / WEIGHTS))
    return name if is_embedded else str(folder)


def _find_own_network(
    record: MapRecord, title: str, recorded: str | None, given: str | None
) -> str:
    if given is None:
        raise ConfigError(
            f"'{record.path}' was made with the network '{title}'",
            "code named in a file's tags is not run",
            f"if you trust it, give it with --model {title}" + ("@FOLDER" if recorded else ""),
        )
    facts = zoo.find(given)
    if (facts.title, facts.sha256) != (title, recorded):
        raise ConfigError(
            f"the model '{given}' is not what '{record.path}' was made with",
            f"the map records '{title}'" + (f" with weights {recorded[:12]}" if recorded else ""),
            "give the recorded model with --model",
        )
    return given


def _find_weights(record: MapRecord, name: str, given: Path | str | None) -> str:
    """Find the weights file with the recorded hash, or the recorded name on the hub."""
    recorded = record.tags.get("WEIGHTS_SHA256")
    if recorded is None:
        if given is None and name.startswith(HUB_PREFIX):
            raise ConfigError(
                f"'{record.path}' was made with weights from the hub, '{name}'",
                "nothing is downloaded on behalf of a file",
                f"if you trust them, pass --weights {name}",
            )
        return name if given is None else str(given)
    path = _find(record, "weights", name, given)
    _compare(record, "weights", path, recorded, _hash)
    return str(path)


def _find(record: MapRecord, option: str, name: str, given: Path | str | None) -> Path:
    """The given path, or a file or folder with the recorded name."""
    if given is not None:
        if not Path(given).exists():
            raise ConfigError(f"--{option} '{given}' does not exist", "", "check the path")
        return Path(given)
    for folder in (record.path.resolve().parent, Path()):
        if (folder / name).exists():
            return folder / name
    raise ConfigError(
        f"the {_word(option)} '{name}' of the map '{record.path}' was not found",
        "looked beside the map and in the current folder",
        f"give its path with --{option}",
    )


def _compare(
    record: MapRecord,
    option: str,
    path: Place,
    recorded: str | None,
    measure: Callable[[Place], str],
) -> None:
    """Refuse a file that differs from the recorded one, if the map has a record."""
    found = measure(path) if recorded else None
    if found != recorded:
        raise ConfigError(
            f"the {_word(option)} '{path}' is not what '{record.path}' was made from: "
            f"its SHA-256 begins with {str(found)[:12]}",
            f"the map records {str(recorded)[:12]}",
            f"give the original with --{option}, or make a new map with 'fewscape map'",
        )


def _word(option: str) -> str:
    """The word for an option's file."""
    kinds = {"pan": "panchromatic raster", "ms": "multispectral raster"}
    return kinds.get(option, option.replace("_", " "))


def _hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    try:
        return hash_file(path)
    except OSError as error:
        raise ConfigError(
            f"'{path}' cannot be read: {error.strerror}", "expected a file", "check the path"
        ) from error
