"""One scene on the page: its pictures, what is drawn on it, its features and what was learnt."""

from __future__ import annotations

import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, ExamplesError, SceneError
from fewscape.mapping.engine.next_places import Spots, measure_unsureness
from fewscape.mapping.engine.own_accuracy import OwnAccuracy
from fewscape.mapping.examples.drawn_cells import find_colours
from fewscape.models.pixel import PixelModel
from fewscape.raster import Scale, SceneReader, to_source
from fewscape.raster.reading.bands import name_bands
from fewscape.serve.drawing import Drawing
from fewscape.serve.example import Snapshot
from fewscape.serve.features import Core, FeatureStore
from fewscape.serve.learning import Learnt, Taught
from fewscape.serve.painting import Painted
from fewscape.serve.tiles import SceneTiles

MOST_PAINTED = 400
"""Parts of the map that are kept."""

SPOT_CELLS = 16
"""Side of the pieces of ground among which the next place to draw is looked for."""

LEAST_VALID = 0.9
"""Share of such a piece that must show something."""

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SceneChoice:
    """How a scene is read."""

    bands: tuple[int | str, ...] | None = None
    scale: Scale = Scale.AUTO
    nodata: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What a page shows of a scene."""

    places: tuple[Place, ...]
    """Cores, those in the middle first."""
    step: int
    """Cells from one to the next that can be told apart on the screen."""


class Desk:
    """One scene and all that is known of it.

    Args:
        number: of the scene on the page.
        path: the raster.
        session: GeoPackage of its examples.
        choice: how it is read.

    Raises:
        SceneError: the file is missing, damaged or no raster.
        ExamplesError: the GeoPackage is another one, or damaged.
        OutputError: the GeoPackage cannot be made.
    """

    def __init__(
        self, number: int, path: Path, session: Path, choice: SceneChoice | None = None
    ) -> None:
        self.number = number
        self.path = path
        self.choice = choice or SceneChoice()
        self.reader = SceneReader(path, self.choice.bands, self.choice.scale, self.choice.nodata)
        self.tiles = SceneTiles(path, self.choice.nodata)
        self.drawing = Drawing(session, self.reader.grid)
        self.store: FeatureStore | None = None
        """Of its features, as soon as there is a model."""
        self.taught: Taught | None = None
        self.learnt: Learnt | None = None
        self.accuracy: OwnAccuracy | None = None
        self.accuracy_revision = 0
        self.agreement: dict[str, float] = {}
        """Of each example that could be held out: share that the others alone map right."""
        self.trouble = ""
        """Why nothing can be mapped, in a sentence."""
        self._bands = _describe_bands(path)
        self._painted: OrderedDict[Place, Painted] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Of the scene's file."""
        return self.path.name

    @property
    def temperature(self) -> float:
        """Of the log probabilities, as the last estimate found it."""
        return self.accuracy.temperature if self.accuracy else 1.0

    def close(self) -> None:
        """Close all files."""
        self.reader.close()
        self.tiles.close()
        self.drawing.close()

    def equip(self, model: PixelModel[Any], cache: Path | None) -> None:
        """Give it a model, and the folder for its features."""
        self.store = FeatureStore(self.reader, model, cache)

    def describe(self) -> dict[str, Any]:
        """What a page has to know of the scene, also when its file is gone."""
        grid = self.reader.grid
        names, dtype = self._bands
        colours = find_colours(self.reader)
        shown = [self.reader.bands[place] for place in colours]
        transform = grid.transform
        return {
            "number": self.number,
            "name": self.name,
            "width": grid.width,
            "height": grid.height,
            "bands": [name or f"band {place}" for place, name in enumerate(names, start=1)],
            "shown": shown if len(set(shown)) > 1 else shown[:1],
            "dtype": dtype,
            "last_level": self.tiles.last_level,
            "crs": grid.crs_name if grid.crs else None,
            "transform": None if grid.is_pixel_grid else list(transform[:6]),
            "metres": self.reader.ground_resolution,
            "file": str(self.drawing.path),
        }

    def look_at(self, box: Sequence[float], resolution: float) -> View:
        """The cores under a part of the scene.

        Args:
            box: least column and row, largest column and row.
            resolution: pixels of the scene for one of the screen.

        Raises:
            ConfigError: the numbers are no part of a scene.
        """
        if len(box) != 4 or not all(map(math.isfinite, (*box, resolution))) or resolution <= 0:
            raise ConfigError("a view was asked for that is none", "expected a box and a scale")
        store = self.store
        if store is None:
            return View((), 1)
        left, top, right, bottom = box
        middle = np.array([(top + bottom) / 2, (left + right) / 2]) / store.side - 0.5
        rows = range(*_span(top, bottom, store.side, store.size[0]))
        cols = range(*_span(left, right, store.side, store.size[1]))
        places = [(row, col) for row in rows for col in cols]
        places.sort(key=lambda place: float(np.abs(np.array(place) - middle).max()))
        step = 4 if resolution >= 8 else 2 if resolution >= 4 else 1
        return View(tuple(places), step)

    def painted(self, place: Place) -> Painted | None:
        """The newest map of a core, which may be older than the examples."""
        with self._lock:
            return self._painted.get(place)

    def all_painted(self) -> dict[Place, Painted]:
        """Of all cores."""
        with self._lock:
            return dict(self._painted)

    def keep(self, place: Place, painted: Painted) -> None:
        """Remember the map of a core."""
        with self._lock:
            self._painted[place] = painted
            self._painted.move_to_end(place)
            while len(self._painted) > MOST_PAINTED:
                self._painted.popitem(last=False)

    def forget_map(self) -> None:
        """Nothing is drawn any more that a map could be learnt from."""
        with self._lock:
            self._painted.clear()
        self.taught = self.learnt = self.accuracy = None
        self.agreement = {}

    def find_spots(self) -> Spots | None:
        """Pieces of ground of the cores that are painted, if only with earlier examples."""
        store = self.store
        if store is None or self.learnt is None:
            return None
        spots = [
            _cut_spots(store, place, store.get(place), painted)
            for place, painted in self.all_painted().items()
            if store.has(place)
        ]
        if not spots:
            return None
        return Spots(
            np.concatenate([one.places for one in spots]),
            np.concatenate([one.values for one in spots]),
            np.concatenate([one.unsure for one in spots]),
        )

    def drawn_means(self) -> npt.NDArray[np.float32]:
        """(P, D) mean features of the examples that taught."""
        assert self.learnt is not None
        cells = self.learnt.cells
        means = [
            cells.values[cells.polygons == number].mean(axis=0)
            for number in np.unique(cells.polygons)
        ]
        return np.stack(means)

    def explain(self, row: float, col: float) -> dict[str, Any]:
        """Which examples decided about a pixel.

        Raises:
            ExamplesError: there is no map yet, or the model cannot tell.
            SceneError: the pixel lies outside the scene.
        """
        store, learnt = self.store, self.learnt
        if store is None or learnt is None:
            raise ExamplesError("there is no map yet", "", "draw examples first")
        reader = self.reader
        if not (0 <= row < reader.height and 0 <= col < reader.width):
            raise SceneError("this place lies outside the scene", "", "choose another one")
        place = int(row) // store.side, int(col) // store.side
        stride = store.model.stride
        inner = int(row) % store.side // stride, int(col) % store.side // stride
        core = store.get(place)
        chosen = np.zeros(core.valid.shape, np.bool_)
        chosen[inner] = True
        cell = core.pick(chosen, learnt.ground)[0]
        votes = store.model.trace(cell, learnt.support, learnt.cells)
        if votes is None:
            raise ExamplesError(
                "with a single class no example decides alone",
                "the map shows what is like all of them together",
                "draw a second class, or ground that is none",
            )
        shares: dict[str, float] = {}
        for number, vote in enumerate(np.bincount(learnt.cells.polygons, votes).tolist()):
            if vote > 0:
                owner = learnt.owners[number]
                shares[owner] = shares.get(owner, 0.0) + vote
        ordered = sorted(shares.items(), key=lambda item: -item[1])
        logs = store.model.predict_cells(cell[None], learnt.support)[0] / self.temperature
        odds = np.exp(logs - logs.max())
        odds /= odds.sum()
        return {
            "classes": dict(zip(learnt.channels, odds.round(4).tolist(), strict=True)),
            "examples": [{"id": owner, "share": round(share, 4)} for owner, share in ordered[:8]],
        }

    def encode_state(self, snapshot: Snapshot | None = None) -> dict[str, Any]:
        """Everything that was drawn, and what became of it, as plain data."""
        now = snapshot or self.drawing.now
        learnt = self.learnt
        return {
            "scene": self.number,
            **now.encode(),
            "can_undo": self.drawing.can_undo,
            "can_redo": self.drawing.can_redo,
            "learnt": None if learnt is None else learnt.revision,
            "channels": [] if learnt is None else list(learnt.channels),
            "accuracy": self.encode_accuracy(),
            "trouble": self.trouble,
        }

    def encode_accuracy(self) -> dict[str, Any] | None:
        """What the examples tell of the map, as plain data."""
        own = self.accuracy
        if own is None:
            return None
        return {
            "revision": self.accuracy_revision,
            "mean": None if own.mean_iou is None else vars_of(own.mean_iou),
            "classes": [
                {
                    "name": one.name,
                    "examples": one.num_polygons,
                    "pixels": one.num_pixels,
                    "iou": None if one.iou is None else vars_of(one.iou),
                    "share": None if math.isnan(share) else round(float(share), 4),
                }
                for one, share in zip(own.classes, own.shares.tolist(), strict=True)
            ],
            "confused": own.confused,
            "temperature": own.temperature,
            "agreement": {key: round(share, 4) for key, share in self.agreement.items()},
        }


def vars_of(score: Any) -> dict[str, float]:  # noqa: ANN401
    """Value and interval of a ``Score``."""
    return {name: round(getattr(score, name), 4) for name in ("value", "low", "high")}


def adapt(learnt: Learnt, store: FeatureStore) -> Learnt:
    """What was learnt on one scene, for another one."""
    sample, ground = store.sampled
    step = max(1, len(sample) // max(1, len(learnt.cells.scene)))
    support = store.model.adapt(learnt.support, ground.scaling.apply(sample[::step]))
    return replace(learnt, support=support, ground=ground)


def _describe_bands(path: Path) -> tuple[list[str], str]:
    """Names of all bands of a file, and the type of their values."""
    import rasterio

    with rasterio.open(to_source(str(path)).address) as dataset:
        return list(name_bands(dataset)), str(dataset.dtypes[0])


def _span(first: float, last: float, side: int, count: int) -> tuple[int, int]:
    begin = max(0, math.floor(first / side))
    return begin, min(count, math.ceil(last / side))


def _cut_spots(store: FeatureStore, place: Place, core: Core, painted: Painted) -> Spots:
    """The pieces of a core that hold valid ground, each by the mean of a few of its cells."""
    side = SPOT_CELLS // painted.step
    shares = painted.shares.astype(np.float32) / np.float32(255)
    rows, cols = (length // side for length in shares.shape[1:])
    unsure = measure_unsureness(shares[:, : rows * side, : cols * side])
    valid = core.valid[: rows * SPOT_CELLS, : cols * SPOT_CELLS]
    is_whole = valid.reshape(rows, SPOT_CELLS, cols, SPOT_CELLS).mean(axis=(1, 3)) > LEAST_VALID
    down, right = np.nonzero(is_whole)
    picks = []
    for offset in itertools.product((SPOT_CELLS // 4, 3 * SPOT_CELLS // 4), repeat=2):
        chosen = np.zeros(core.valid.shape, np.bool_)
        chosen[down * SPOT_CELLS + offset[0], right * SPOT_CELLS + offset[1]] = True
        picks.append(core.pick(chosen, store.ground))
    centres = np.stack([down + 0.5, right + 0.5], axis=1) * SPOT_CELLS * store.model.stride
    mean = unsure.reshape(rows, side, cols, side).mean(axis=(1, 3))[is_whole]
    values: npt.NDArray[np.float32] = np.mean(picks, axis=0, dtype=np.float32)
    return Spots(np.array(place) * store.side + centres, values, mean)
