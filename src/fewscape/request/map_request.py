"""``MapRequest``: what to map and how, as plain data with all defaults.

The command line, Python, the demo, ``reproduce``, cluster workers and the tags of written maps all
use this one value.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Real
from pathlib import Path
from typing import Any, Literal, get_args

LabelZero = Literal["auto", "background", "unknown"]
ExamplesAre = Literal["areas", "objects"]
ScaleName = Literal["auto", "none", "percentile"]
FlipsName = Literal["none", "h", "hv", "d4"]
PrecisionName = Literal["auto", "float32", "bfloat16"]
GridName = Literal["pan", "ms"]
Engine = Literal["here", "ray"]
Bands = tuple[int | str, ...]

CHOICES: dict[str, tuple[str, ...]] = {
    "label_zero": get_args(LabelZero),
    "examples_are": get_args(ExamplesAre),
    "scale": get_args(ScaleName),
    "flips": get_args(FlipsName),
    "precision": get_args(PrecisionName),
    "grid": get_args(GridName),
    "engine": get_args(Engine),
}
"""Allowed values of some fields."""

NETWORK_SHOTS = 5
"""Maximum crops per class for a network, if ``max_shots`` is None."""

PAIR_SHOTS = 100
"""Maximum pixels per class for a network for pairs, if ``max_shots`` is None."""

NETWORK_THRESHOLD = 0.5
"""Minimum probability of a network's class, if ``threshold`` is None."""

PIXEL_WINDOW = 512
"""Window side of pixel models, if ``window`` is None; smaller if the scene of the examples is."""

TUPLES = ("scenes", "classes", "bands", "example_bands", "ms_bands", "scales", "shard")
PATHS = ("output", "examples", "check")
TEXTS = (
    *("example_scene", "model", "backbone", "weights", "pan", "ms", "buffer"),
    *("layer", "check_layer"),
)
COUNTS = {
    "max_shots": 1_000_000,
    "window": 16_384,
    "batch_size": 4096,
    "tile": 16_384,
    "tries": 100,
    "workers": 10_000,
    "max_memory": 1 << 50,
}
"""Fields that are whole numbers from 1, with their maximum."""

RANGES = {
    "threshold": (0.0, 1.0),
    "resolution": (1e-3, 1e6),
    "overlap": (0.0, 0.9),
    "retry_delay": (0.0, 3600.0),
}
"""Minimum and maximum of number fields; NaN is refused."""

NUMBERS = (*RANGES, "nodata", "min_area", "simplify")
"""Fields that are numbers, integer or not."""

LISTS: dict[str, tuple[type, ...]] = {
    "classes": (str,),
    "bands": (int, str),
    "example_bands": (int, str),
    "ms_bands": (int,),
    "scales": (float, int),
    "shard": (int,),
}
"""Types of the entries of lists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MapRequest:
    """A request for maps; the fields have the names of ``fewscape map``'s options.

    Files may be strings or paths, and lists may replace tuples. None leaves the choice to the
    model.

    Raises:
        ConfigError: a value is invalid. What does not fit the model or the scenes is reported when
            the request runs.
    """

    output: Path
    """Output folder."""
    scenes: tuple[str, ...] = ()
    """Scenes to map: paths, addresses, folders, patterns, lists, STAC files."""

    examples: Path | None = None
    """Polygons, lines, points or a label raster; not for supervised models."""
    class_field: str = "class"
    """Attribute that holds the class."""
    layer: str | None = None
    """Layer of a vector file with several; by default the only one with the attribute."""
    label_zero: LabelZero = "auto"
    """Meaning of 0 in a label raster; auto: as in classes.json, otherwise background."""
    examples_are: ExamplesAre = "areas"
    """Whether polygons mark part of some ground, or whole objects with background around them."""
    buffer: str = "1.5"
    """Radius around points and lines: 2 or 2px for pixels, 3m for metres on the ground."""
    classes: tuple[str, ...] | None = None
    """Only these classes."""
    example_scene: str | None = None
    """Scene of the examples; the first scene if None."""
    example_bands: Bands | None = None
    """Bands of the example scene; as ``bands`` if None."""
    max_shots: int | None = None
    """Maximum crops per class for a network; maximum pixels for a network for pairs."""

    bands: Bands | None = None
    """Bands to use, by number from 1 or by name. None: all, or 1, 2, 3 for a network."""
    scale: ScaleName = "auto"
    """Scaling of pixel values to [0, 1]; auto: none for uint8, otherwise by percentiles."""
    nodata: float | None = None
    """Nodata value, if the file does not set one."""
    resolution: float | None = None
    """Pixel size to resample all scenes to, metres."""
    asset: str | None = None
    """Asset of STAC items. None: the one with the role data or visual."""
    tries: int = 4
    """Attempts per network read."""
    retry_delay: float = 1.0
    """Seconds before the first retry, doubled for each further one."""

    pan: str | None = None
    """Panchromatic raster of a pair."""
    ms: str | None = None
    """Multispectral raster of the same ground."""
    ms_bands: tuple[int, ...] = (1, 2, 3, 4)
    """Its blue, green, red and near-infrared bands."""
    grid: GridName = "pan"
    """Grid of the map of a network for pairs."""
    tile: int | None = None
    """Side of a processing tile of a network for pairs, multispectral pixels."""

    model: str | None = None
    """Name, model folder, or class path; the default model if None."""
    backbone: str | None = None
    """Backbone of a network given by name."""
    weights: str | None = None
    """Weights of that backbone: a file or a hub name."""
    window: int | None = None
    """Window side, pixels."""
    overlap: float = 0.25
    """Overlap of neighbouring windows, as a share of the window's side."""
    batch_size: int = 8
    """Windows per batch."""
    threshold: float | None = None
    """Minimum probability of a mapped class. None: the most probable class, or 0.5 for a
    network."""
    no_estimate: bool = False
    """Skip the accuracy estimate from the examples."""
    flips: FlipsName = "none"
    """Flipped and rotated views to average; supervised models only."""
    scales: tuple[float, ...] = (1.0,)
    """Image scales to average; supervised models only."""
    device: str = "auto"
    """auto, cpu or cuda."""
    precision: PrecisionName = "auto"

    check: Path | None = None
    """Polygons, points or a label raster to score the finished map with."""
    check_layer: str | None = None
    """Layer of the check file, if it has several."""

    min_area: float = 0.0
    """Smaller patches become background: square metres, or pixels without a CRS."""
    simplify: float = 0.0
    """Tolerance of polygon simplification: metres, or pixels without a CRS."""
    cog: bool = False
    """Write cloud optimized GeoTIFFs."""
    stac: bool = False
    """Write a STAC item."""
    vectors: bool = True
    """Write polygons."""
    preview: bool = True
    """Draw the preview."""
    styles: bool = True
    """Write styles for QGIS."""
    heatmaps: bool = False
    """Write BiCoR-Seg's heatmap of each class."""

    dry_run: bool = False
    """Report the cost and map nothing."""
    max_memory: int | None = None
    """Memory limit in bytes, excluding network and libraries."""
    shard: tuple[int, int] | None = None
    """Make only this shard: its number from 1, and the number of shards."""
    engine: Engine = "here"
    """Whether to map in this process or on a Ray cluster."""
    ray_address: str | None = None
    """Address of a running cluster; None starts Ray on this machine."""
    workers: int = 2
    """Workers on the cluster, each with its own network."""

    def __post_init__(self) -> None:
        convert: dict[str, Callable[[Any], object]] = dict.fromkeys(TUPLES, _to_tuple)
        convert |= dict.fromkeys(PATHS, Path) | dict.fromkeys(TEXTS, str)
        for name, to in convert.items():
            value = getattr(self, name)
            if value is None:
                continue
            if name in PATHS and not isinstance(value, str | os.PathLike):
                raise _refuse(name, value, "expected a path")
            object.__setattr__(self, name, to(value))
        object.__setattr__(self, "scenes", tuple(map(str, self.scenes)))
        self._check_values()

    @property
    def is_of_pair(self) -> bool:
        """Whether the request maps a panchromatic and multispectral pair."""
        return self.pan is not None or self.ms is not None

    def is_given(self, name: str) -> bool:
        """Whether a field differs from its default."""
        return bool(getattr(self, name) != default_of(name))

    def with_absolute_paths(self) -> MapRequest:
        """The same request with absolute paths, for processes in other folders."""
        found: dict[str, Any] = {}
        for name in ("examples", "example_scene", "weights", "pan", "ms", "check", "output"):
            value = getattr(self, name)
            if value is not None and (name == "output" or Path(value).exists()):
                found[name] = Path(value).resolve()
        return replace(self, **found)

    def _check_kinds(self) -> None:
        """Check the types of all fields, which may come from any file."""
        if not isinstance(self.class_field, str):
            raise _refuse("class_field", self.class_field, "expected the name of an attribute")
        for name, default in DEFAULTS.items():
            if isinstance(default, bool) and not isinstance(getattr(self, name), bool):
                raise _refuse(name, getattr(self, name), "expected True or False")
        for name in NUMBERS:
            value = getattr(self, name)
            if value is not None and not _is_number(value):
                raise _refuse(name, value, "expected a number")
        for name, kinds in LISTS.items():
            value = getattr(self, name)
            if value is not None and not all(
                isinstance(each, kinds) and not isinstance(each, bool) for each in value
            ):
                raise _refuse(name, value, "expected other entries")

    def _check_values(self) -> None:
        self._check_kinds()
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise _refuse(name, getattr(self, name), f"expected {', '.join(choices)}")
        for name, most in COUNTS.items():
            value = getattr(self, name)
            is_count = isinstance(value, int) and not isinstance(value, bool)
            if value is not None and not (is_count and 1 <= value <= most):
                raise _refuse(name, value, f"expected a whole number from 1 to {most}")
        for name, (least, largest) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= largest:
                raise _refuse(name, value, f"expected a number from {least:g} to {largest:g}")
        if not self.scales or not all(0 < factor < 100 for factor in self.scales):
            raise _refuse("scales", self.scales, "expected factors such as 0.75, 1, 1.25")
        if self.shard is not None and len(self.shard) != 2:
            raise _refuse("shard", self.shard, "expected a part such as 3 of 16")
        if self.shard is not None and not 1 <= self.shard[0] <= self.shard[1]:
            raise _refuse("shard", self.shard, "expected a shard such as 3 of 16")


DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(MapRequest)}


def default_of(name: str) -> Any:  # noqa: ANN401 (of any field)
    """The default of a field."""
    return DEFAULTS[name]


def _is_number(value: object) -> bool:
    """Whether a value is a number, of numpy too."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _to_tuple(value: object) -> tuple[Any, ...]:
    """Make a tuple of one value or several."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(value)
    return (value,)


def _refuse(name: str, value: object, expected: str) -> Exception:
    from fewscape.core import ConfigError  # imports torch, which a request does not need

    return ConfigError(f"{name} is {value!r}", expected, "choose another value")
