"""The cells of a scene that a pixel model learns from."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fewscape.core import ExamplesError, SceneError, Window
from fewscape.mapping.examples.annotations import Annotations
from fewscape.mapping.examples.example_files import hash_examples
from fewscape.mapping.examples.reserved_names import UNKNOWN
from fewscape.models import PixelModel
from fewscape.models.experts import Cells, Scaling
from fewscape.models.pixel import Ground
from fewscape.raster import SceneReader

CORE = 512
"""Side of the windows in which drawn cells are encoded, without margin."""

MOST_WINDOWS = 256
"""Maximum number of encoded windows; if there are more, they are sampled equally per class."""

MOST_CELLS = 20_000
"""Maximum number of cells per class: if there are more, each polygon gives a share, small ones
everything."""

SPREAD = 3
"""Windows per side that sample the scene as a whole."""

SCENE_CELLS = 32_000
"""Maximum number of cells from these windows."""

LEAST_SCENE_CELLS = 256
"""Minimum number of cells before other windows are tried."""

OVERVIEW = 1024
"""Longest side of the overview in which valid windows are searched."""

KEPT_WINDOWS = 12
"""Number of encoded windows cached while cells are gathered."""

SEED = 0

Encode = Callable[[Window], tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]]


@dataclass(frozen=True, slots=True)
class SceneCells:
    """Drawn cells and a sample of all cells, as encoded by the model and not scaled."""

    cells: Cells
    ground: Ground
    num_pixels: int
    """Cells drawn as one of the classes or as background."""
    source: str = ""
    """Name of the examples file."""
    sha256: str = ""
    """Hash of that file and its sidecars, see ``hash_examples``."""

    @property
    def scaled(self) -> Cells:
        """The cells with scaled features, as models learn from them."""
        scaling = self.ground.scaling
        return Cells(
            scaling.apply(self.cells.values),
            self.cells.classes,
            self.cells.polygons,
            scaling.apply(self.cells.scene),
        )


def read_drawn_cells(
    annotations: Annotations, names: Sequence[str], scene: SceneReader, model: PixelModel[Any]
) -> SceneCells:
    """Read the drawn cells of classes and background from the whole scene.

    A cell belongs to a class if at least one pixel was drawn as it and none as another. At most
    ``MOST_CELLS`` cells per class are taken.

    Args:
        annotations: annotations of this scene.
        names: classes 1 to K; 0 is background.
        scene: the scene.
        model: the model that encodes them.

    Raises:
        ExamplesError: a class covers no valid pixel.
        SceneError: the scene is damaged or has no valid pixel.
    """
    side = core_side(scene, model)
    generator = np.random.default_rng(SEED)
    encode = lru_cache(KEPT_WINDOWS)(partial(encode_core, scene, model))
    sample, ground = sample_ground(scene, model, encode)
    drawn = _choose_windows(annotations, list(annotations.windows(side)), side, generator)
    windows = [Window(window.row, window.col, side, side) for window in drawn]
    allowed, num_pixels = _share_out(annotations, names, windows, model.stride)
    parts = []
    for window in windows:
        classes, polygons = label_cells(annotations, names, window, model.stride)
        values, valid = encode(window)
        taken = (classes >= 0) & valid
        kept = generator.random(classes.shape) < allowed.get(polygons)
        taken &= kept
        parts.append((values[:, taken].T, classes[taken], polygons[taken]))
    values, classes, polygons = (np.concatenate(part) for part in zip(*parts, strict=True))
    _check_classes(annotations, names, classes, scene)
    cells = Cells(values, classes.astype(np.int64), polygons.astype(np.int64), sample)
    digest = hash_examples(annotations.path)
    return SceneCells(cells, ground, num_pixels, annotations.path.name, digest)


def sample_ground(
    scene: SceneReader, model: PixelModel[Any], encode: Encode | None = None
) -> tuple[npt.NDArray[np.float32], Ground]:
    """Sample features (M, D) of cells from all over a scene, and derive their scaling.

    Args:
        scene: the scene.
        model: the model that encodes them.
        encode: function that encodes a window; ``encode_core`` if not given.

    Raises:
        SceneError: the scene is damaged or has no valid pixel.
    """
    _ = scene.limits  # raises if no pixel is valid
    encode = encode or partial(encode_core, scene, model)
    side = core_side(scene, model)
    found, bands = _look_at(scene, encode, list(spread_windows(scene.height, scene.width, side)))
    if len(found) < LEAST_SCENE_CELLS:  # valid ground lies between the windows
        windows = _find_valid_windows(scene, side)
        found, bands = _look_at(scene, encode, windows) if windows else (found, bands)
    if not len(found):
        raise SceneError(
            f"'{scene.path}' has hardly any valid pixels",
            "too few to describe the scene",
            "check its nodata value, or crop the scene to valid data",
        )
    return found, Ground(Scaling.measure(found), Scaling.measure(bands), find_colours(scene))


def _look_at(
    scene: SceneReader, encode: Encode, windows: Sequence[Window]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Features (M, D) of cells, about equally many per window, and their pixels (P, C)."""
    generator = np.random.default_rng(SEED)
    sample, bands = [], []
    for window in windows:
        values, valid = encode(window)
        image, seen = scene.read(_inside(window, scene))
        share = min(1.0, SCENE_CELLS / len(windows) / max(1, int(valid.sum())))
        chosen = valid & (generator.random(valid.shape) < share)
        sample.append(values[:, chosen].T)
        bands.append(image[:, seen].T)
    return np.concatenate(sample), np.concatenate(bands)


def _find_valid_windows(scene: SceneReader, side: int) -> list[Window]:
    """Find windows with valid pixels in an overview of the scene."""
    _, seen = scene.read_overview(OVERVIEW)
    rows, cols = np.nonzero(seen)
    rows = (rows + 0.5) * scene.height / seen.shape[0] // side
    cols = (cols + 0.5) * scene.width / seen.shape[1] // side
    places = np.unique(np.stack([rows, cols], axis=1).astype(int), axis=0) * side
    if not len(places):
        return []
    chosen = np.unique(np.linspace(0, len(places) - 1, SPREAD**2).round().astype(int))
    return [Window(int(row), int(col), side, side) for row, col in places[chosen]]


def encode_core(
    scene: SceneReader, model: PixelModel[Any], window: Window
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Encode the cells of a window: features (D, h, w), and which have a valid pixel (h, w)."""
    stride = model.stride
    unit = math.lcm(stride, model.window_multiple)
    margin = -(-model.reach // stride) * stride
    height, width = (-(-(side + 2 * margin) // unit) * unit for side in window[2:])
    wide = Window(window.row - margin, window.col - margin, height, width)
    image, valid = scene.read(wide)
    with torch.inference_mode():
        encoded = model.encode(torch.from_numpy(image)[None], find_colours(scene))
    features = encoded[0].numpy()
    rows, cols = window.height // stride, window.width // stride
    begin = margin // stride
    seen = valid[margin:, margin:][: window.height, : window.width]
    is_seen = np.asarray(seen.reshape(rows, stride, cols, stride).any(axis=(1, 3)))
    return features[:, begin : begin + rows, begin : begin + cols], is_seen


def label_cells(
    annotations: Annotations, names: Sequence[str], window: Window, stride: int
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int32]]:
    """Class and polygon (h, w) of each cell of a window, -1 for none or two classes."""
    labels, polygons = annotations.labels(names, window)
    if stride == 1:
        return labels, polygons
    shape = window.height // stride, stride, window.width // stride, stride
    blocks = labels.reshape(shape)
    most = blocks.max(axis=(1, 3))
    least = np.where(blocks < 0, np.iinfo(np.int16).max, blocks).min(axis=(1, 3))
    is_one = (most >= 0) & (least == most)
    numbers = polygons.reshape(shape).max(axis=(1, 3))
    return np.where(is_one, most, -1).astype(np.int16), np.where(is_one, numbers, -1)


def spread_windows(height: int, width: int, side: int) -> Iterator[Window]:
    """Spread windows evenly over a scene; they cover all of a small one."""
    rows, cols = (_spread(length, side) for length in (height, width))
    for row, col in itertools.product(rows, cols):
        yield Window(row, col, side, side)


def find_colours(scene: SceneReader) -> tuple[int, int, int]:
    """Indices of red, green and blue among the bands: by name, otherwise the first three."""
    found = {}
    for place, name in enumerate(scene.band_names):
        for colour in ("red", "green", "blue"):
            if colour in name.casefold().split():
                found[colour] = place
    if len(found) == 3:
        return found["red"], found["green"], found["blue"]
    last = len(scene.bands) - 1
    return 0, min(1, last), min(2, last)


def _spread(length: int, side: int) -> list[int]:
    cells = -(-length // side)
    places = np.unique(np.linspace(0, cells - 1, min(cells, SPREAD)).round().astype(int))
    return [int(place) * side for place in places]


def core_side(scene: SceneReader, model: PixelModel[Any]) -> int:
    """Side of the windows in which drawn cells are encoded; less in a small scene."""
    longest = max(scene.height, scene.width)
    return min(CORE, -(-longest // model.stride) * model.stride)


class _Allowances:
    """The share of cells that each polygon gives."""

    def __init__(self, shares: dict[int, float]) -> None:
        size = max(shares, default=-1) + 2
        self._table = np.ones(size)
        for number, share in shares.items():
            self._table[number] = share

    def get(self, polygons: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        found: npt.NDArray[np.float64] = self._table[polygons]
        return found


def _share_out(
    annotations: Annotations, names: Sequence[str], windows: Sequence[Window], stride: int
) -> tuple[_Allowances, int]:
    """Compute the share of each polygon that keeps classes below the maximum."""
    counts: dict[int, int] = {}
    owners: dict[int, int] = {}
    for window in windows:
        classes, polygons = label_cells(annotations, names, window, stride)
        drawn = classes >= 0
        found, first, number = np.unique(polygons[drawn], return_index=True, return_counts=True)
        for polygon, place, count in zip(found, first, number, strict=True):
            counts[int(polygon)] = counts.get(int(polygon), 0) + int(count)
            owners[int(polygon)] = int(classes[drawn][place])
    shares: dict[int, float] = {}
    for owner in set(owners.values()):
        mine = sorted((counts[p], p) for p in owners if owners[p] == owner)
        left, remaining = MOST_CELLS, len(mine)
        for count, polygon in mine:  # small polygons first: the larger ones use what they leave
            part = left / remaining
            shares[polygon] = min(1.0, part / count)
            left -= min(count, part)  # type: ignore[assignment]
            remaining -= 1
    return _Allowances(shares), sum(counts.values()) * stride**2


def _check_classes(
    annotations: Annotations,
    names: Sequence[str],
    classes: npt.NDArray[np.int16],
    scene: SceneReader,
) -> None:
    for number, name in enumerate(names, start=1):
        if not (classes == number).any():
            raise ExamplesError(
                f"no example of '{name}' covers a valid pixel of '{scene.path}' without another "
                "class",
                "expected polygons on valid pixels that no other class covers",
                f"move or enlarge the polygons of '{annotations.path.name}', or check the "
                "scene's nodata value",
            )


def _choose_windows(
    annotations: Annotations, windows: list[Window], side: int, generator: np.random.Generator
) -> list[Window]:
    """Sample the windows to encode, equally per class."""
    import shapely

    if len(windows) <= MOST_WINDOWS:
        return windows
    places = {(window.row, window.col): number for number, window in enumerate(windows)}
    groups = [group for name, group in annotations.polygons.items() if name != UNKNOWN]
    chosen: set[int] = set()
    for group in groups:
        inner = shapely.get_coordinates(shapely.point_on_surface(group)) // side * side
        own = {places[row, col] for col, row in inner.tolist() if (row, col) in places}
        chosen |= set(_draw(sorted(own), max(1, MOST_WINDOWS // len(groups)), generator))
    others = sorted(set(range(len(windows))) - chosen)
    chosen |= set(_draw(others, MOST_WINDOWS - len(chosen), generator))
    return [windows[number] for number in sorted(chosen)]


def _draw(numbers: list[int], count: int, generator: np.random.Generator) -> list[int]:
    """Sample at most this many at random."""
    found: list[int] = generator.permutation(numbers)[: max(0, count)].astype(int).tolist()
    return found


def _inside(window: Window, scene: SceneReader) -> Window:
    height = min(window.height, scene.height - window.row)
    width = min(window.width, scene.width - window.col)
    return Window(window.row, window.col, height, width)
