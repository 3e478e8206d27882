"""Remake a map from its metadata and compare the pixels."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fewscape import __version__
from fewscape.core import ConfigError
from fewscape.mapping.mapper import OnProgress
from fewscape.raster.comparison import Difference, compare_rasters
from fewscape.raster.gdal import open_raster
from fewscape.request.map_request import MapRequest
from fewscape.request.record import GivenFiles, MapRecord, find_inputs, read_record
from fewscape.request.reporter import Reporter
from fewscape.request.running import run_map
from fewscape.request.tags import PARAMETERS
from fewscape.zoo import MODELS

OUTPUTS = ("vectors", "cog", "simplify")
"""Parameters that do not affect any pixel."""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The comparison of a map with its remake."""

    record: MapRecord
    """The record in the file's tags."""
    difference: Difference
    """Difference between the old and new pixels."""
    notes: tuple[str, ...]
    """Reasons why pixels may differ with the same inputs."""

    @property
    def is_same(self) -> bool:
        """Whether all pixels are the same."""
        return not self.difference.differing

    def __str__(self) -> str:
        name, pixels = self.record.path.name, f"{self.difference.pixels:,}"
        differing = self.difference.differing
        if self.is_same:
            return f"the same: all {pixels} pixels of '{name}' ({self.record.layer})"
        share = differing / self.difference.pixels
        text = f"{differing:,} of {pixels} pixels of '{name}' differ ({share:.3%})"
        if self.record.layer == "class":
            return text
        return f"{text}, by {self.difference.largest} of 254 steps at most"


def reproduce(
    path: Path | str,
    given: GivenFiles | None = None,
    device: str | None = None,
    reporter: Reporter | None = None,
) -> Reproduction:
    """Read a map's tags, check its inputs, map again into a temporary folder, and compare.

    Args:
        path: a raster that ``run_map`` wrote.
        given: inputs that are neither beside the map nor in the current folder.
        device: auto, cpu or cuda; the device of the map if not given and available.
        reporter: receives reasons why pixels may differ, and the warnings of the map.

    Raises:
        ConfigError: the file has no record of how it was made, or an input is not found or differs.
        SceneError: the file is not a raster.
    """
    reporter = reporter or Reporter()
    given = given or GivenFiles()
    record = read_record(Path(path))
    _refuse_other_kind(record, given)
    inputs = find_inputs(record, given)
    device = device or _choose_device(record)
    notes = _list_notes(record, device)
    for note in notes:
        reporter.info(f"note: {note}")
    with tempfile.TemporaryDirectory(prefix="fewscape-") as folder:
        run_map(make_request(record, inputs, Path(folder), device), _OnlyWarnings(reporter))
        difference = compare_rasters(record.path, _find_layer(record, Path(folder)))
    return Reproduction(record, difference, tuple(notes))


def make_request(
    record: MapRecord, inputs: dict[str, Any], output: Path, device: str
) -> MapRequest:
    """Rebuild the request from a map's tags.

    Args:
        record: the tags.
        inputs: the input fields, see ``find_inputs``.
        output: folder for the new map; only its rasters are written.
        device: device to map on.

    Raises:
        ConfigError: the tags have a parameter that this version does not know.
    """
    told = {
        name: value
        for name, value in record.parameters.items()
        if name not in (*OUTPUTS, "device", "weights")
    }
    for name in told:
        if name not in PARAMETERS:
            raise ConfigError(
                f"'{record.path}' has a parameter '{name}' that this version does not know",
                f"it was written by fewscape {record.version}, this is {__version__}",
                f"install that version: pip install fewscape=={record.version}",
            )
    if record.batch_size is not None:
        told["batch_size"] = record.batch_size
    only_rasters: dict[str, Any] = {"vectors": False, "preview": False, "styles": False}
    return MapRequest(**told, **inputs, **only_rasters, output=output, device=device)


class _OnlyWarnings(Reporter):
    """Forwards only warnings and progress."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def warn(self, sentence: str) -> None:
        self._reporter.warn(sentence)

    def progress(self, label: str, pixels: int) -> AbstractContextManager[OnProgress]:
        return self._reporter.progress(label, pixels)


def _refuse_other_kind(record: MapRecord, given: GivenFiles) -> None:
    others = ("scene",) if record.is_of_pair else ("pan", "ms")
    kind = "the map of a pair" if record.is_of_pair else "the map of a scene"
    for name in others:
        if getattr(given, name) is not None:
            what = f"--{name} was given for '{record.path}'"
            raise ConfigError(what, f"this is {kind}", f"leave out --{name}")


def _find_layer(record: MapRecord, folder: Path) -> Path:
    """Find the raster with the same band, since files may have been renamed."""
    found = {}
    for path in sorted(folder.glob("*.tif")):
        with open_raster(path) as dataset:
            found[dataset.descriptions[0]] = path
    if record.layer not in found:
        raise ConfigError(
            f"the band '{record.layer}' of '{record.path}' was not remade",
            f"the new map has {', '.join(map(str, found))}",
            "give a raster written by 'fewscape map'",
        )
    return found[record.layer]


def _choose_device(record: MapRecord) -> str:
    """The kind of device that made the map if available, otherwise the CPU."""
    recorded = str(record.parameters.get("device", "auto"))
    return "cpu" if recorded == "cuda" and not torch.cuda.is_available() else recorded


def _list_notes(record: MapRecord, device: str) -> list[str]:
    """Reasons why pixels may differ with the same inputs."""
    notes = []
    if record.version != __version__:
        notes.append(f"the map was written by fewscape {record.version}, this is {__version__}")
    recorded = record.parameters.get("device")
    if recorded and device not in ("auto", recorded):
        notes.append(
            f"the map was made on '{recorded}', this run uses '{device}'; another order of "
            "summation may change the last digits"
        )
    if record.tags["MODEL"] in MODELS and not record.parameters.get("weights"):
        notes.append("the network had random weights, or weights by name, which are not recorded")
    return notes
