"""What is to be mapped and how: plain data that owns every default.

The command line, Python, the demo, ``reproduce``, the workers of a cluster and the tags of written
maps all speak in terms of this one value.
"""

from __future__ import annotations

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
"""What some fields may be."""

NETWORK_SHOTS = 5
"""Crops that teach a network a class at most, if ``max_shots`` is None."""

PAIR_SHOTS = 100
"""Pixels that teach a network for pairs a class at most, if ``max_shots`` is None."""

NETWORK_THRESHOLD = 0.5
"""Probability from which a network's class is mapped, if ``threshold`` is None."""

PIXEL_WINDOW = 512
"""Side of the windows of models that learn from every drawn pixel, if ``window`` is None; less
where the scene of the examples is smaller."""

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
"""Whole numbers from 1, and the largest that make sense."""

RANGES = {
    "threshold": (0.0, 1.0),
    "resolution": (1e-3, 1e6),
    "overlap": (0.0, 0.9),
    "retry_delay": (0.0, 3600.0),
}
"""Smallest and largest of numbers; NaN is none."""

NUMBERS = (*RANGES, "nodata", "min_area", "simplify")
"""Fields that are numbers, whole or not."""

LISTS: dict[str, tuple[type, ...]] = {
    "classes": (str,),
    "bands": (int, str),
    "example_bands": (int, str),
    "ms_bands": (int,),
    "scales": (float, int),
    "shard": (int,),
}
"""What the entries of lists are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MapRequest:
    """A request for maps; fields are called like the options of ``fewscape map``.

    Files may be strings or paths, lists serve for tuples. None means that the model decides.

    Raises:
        ConfigError: a value that no request can have. What does not fit the model or the scene is
            told when the request is run.
    """

    output: Path
    """Folder for the maps."""
    scenes: tuple[str, ...] = ()
    """Rasters to map: paths, addresses, folders, patterns, lists, STAC files."""

    examples: Path | None = None
    """Polygons, lines, points or a label raster; supervised models take none."""
    class_field: str = "class"
    """Attribute that names the class."""
    layer: str | None = None
    """Layer of a vector file with several; the only one with the attribute if None."""
    label_zero: LabelZero = "auto"
    """What 0 in a label raster means; auto: as classes.json says, else background."""
    examples_are: ExamplesAre = "areas"
    """Pieces of some ground, or whole objects with background around them."""
    buffer: str = "1.5"
    """How far points and lines reach: 2 or 2px pixels, 3m metres on the ground."""
    classes: tuple[str, ...] | None = None
    """Only these classes."""
    example_scene: str | None = None
    """Scene of the examples; the first scene if None."""
    example_bands: Bands | None = None
    """Its bands; as ``bands`` if None."""
    max_shots: int | None = None
    """Crops that teach a network a class, at most; of networks for pairs, pixels."""

    bands: Bands | None = None
    """Bands to use, by number from 1 or by name; all if None, of a network 1, 2, 3."""
    scale: ScaleName = "auto"
    """How values become numbers in [0, 1]; auto: uint8 as it is, others by percentiles."""
    nodata: float | None = None
    """Value without data, if the file has none."""
    resolution: float | None = None
    """Metres on the ground to which all scenes are resampled."""
    asset: str | None = None
    """Asset of STAC items; the one with the role data or visual if None."""
    tries: int = 4
    """To read over the network."""
    retry_delay: float = 1.0
    """Seconds before the second try, doubled before each further one."""

    pan: str | None = None
    """Panchromatic raster of a pair."""
    ms: str | None = None
    """Multispectral raster of the same ground."""
    ms_bands: tuple[int, ...] = (1, 2, 3, 4)
    """Its blue, green, red and near infrared bands."""
    grid: GridName = "pan"
    """Grid of the map by a network for pairs."""
    tile: int | None = None
    """Side of what a network for pairs works on at a time, multispectral pixels."""

    model: str | None = None
    """Name, model folder, or class path; the default model if None."""
    backbone: str | None = None
    """Backbone of a network given by name."""
    weights: str | None = None
    """Weights of that backbone: a file or a hub name."""
    window: int | None = None
    """Side of the windows in pixels."""
    overlap: float = 0.25
    """Share of the window's side that neighbours have in common."""
    batch_size: int = 8
    """Windows at a time."""
    threshold: float | None = None
    """Probability from which a class is mapped; None: what is most probable, of a network 0.5."""
    no_estimate: bool = False
    """Do not tell by the examples how right the map will be."""
    flips: FlipsName = "none"
    """Mirrored and turned views that are averaged, of supervised models."""
    scales: tuple[float, ...] = (1.0,)
    """Sizes that are averaged, of supervised models."""
    device: str = "auto"
    """auto, cpu or cuda."""
    precision: PrecisionName = "auto"

    check: Path | None = None
    """Polygons, points or a label raster to score the finished map with."""
    check_layer: str | None = None
    """Its layer, as ``layer`` is that of the examples."""

    min_area: float = 0.0
    """Smaller patches become background: square metres, pixels without a reference system."""
    simplify: float = 0.0
    """Tolerance of simpler polygons: metres, pixels without a reference system."""
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
    """Write where BiCoR-Seg looked for each class."""

    dry_run: bool = False
    """Tell the cost and map nothing."""
    max_memory: int | None = None
    """Bytes that mapping may take beside the network and the libraries."""
    shard: tuple[int, int] | None = None
    """Make only this part of the work, from 1, of so many."""
    engine: Engine = "here"
    """Whether to map in this process or on a Ray cluster."""
    ray_address: str | None = None
    """Of a running cluster; Ray is started here without."""
    workers: int = 2
    """Networks at a time on the cluster."""

    def __post_init__(self) -> None:
        convert: dict[str, Callable[[Any], object]] = dict.fromkeys(TUPLES, _to_tuple)
        convert |= dict.fromkeys(PATHS, Path) | dict.fromkeys(TEXTS, str)
        for name, to in convert.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, to(value))
        object.__setattr__(self, "scenes", tuple(map(str, self.scenes)))
        self._check_values()

    @property
    def is_of_pair(self) -> bool:
        """Whether a panchromatic and multispectral pair is to be mapped."""
        return self.pan is not None or self.ms is not None

    def is_given(self, name: str) -> bool:
        """Whether a field has another value than its default."""
        return bool(getattr(self, name) != default_of(name))

    def with_absolute_paths(self) -> MapRequest:
        """The same for processes that run in other folders."""
        found: dict[str, Any] = {}
        for name in ("examples", "example_scene", "weights", "pan", "ms", "check", "output"):
            value = getattr(self, name)
            if value is not None and (name == "output" or Path(value).exists()):
                found[name] = Path(value).resolve()
        return replace(self, **found)

    def _check_kinds(self) -> None:
        """Fields may come from anybody's file."""
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
            raise _refuse("shard", self.shard, "expected a part such as 3 of 16")


DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(MapRequest)}


def default_of(name: str) -> Any:  # noqa: ANN401 (of any field)
    """The default of a field."""
    return DEFAULTS[name]


def _is_number(value: object) -> bool:
    """Also one of numpy's."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _to_tuple(value: object) -> tuple[Any, ...]:
    """Of one name or number, or of several."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(value)
    return (value,)


def _refuse(name: str, value: object, expected: str) -> Exception:
    from fewscape.core import ConfigError  # imports torch, which a request does not need

    return ConfigError(f"{name} is {value!r}", expected, "choose another value")
