"""From what is drawn to a model that knows the classes, for the page: quick, and then exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.mapping.engine.own_accuracy import thin_out
from fewscape.mapping.engine.pixel_segmenter import number_classes
from fewscape.mapping.examples.annotations import Annotations
from fewscape.mapping.examples.buffering import Buffer, thicken
from fewscape.mapping.examples.drawn_cells import MOST_CELLS, SceneCells, label_cells
from fewscape.mapping.examples.reserved_names import AREA, BACKGROUND, UNKNOWN
from fewscape.models.experts import Cells, Scaling
from fewscape.models.pixel import Ground
from fewscape.raster import Georeference
from fewscape.raster.vectors.polygons import split_parts
from fewscape.serve.example import Snapshot
from fewscape.serve.features import FeatureStore

SCENE_CELLS = 4_000
"""Cells of the scene that tell how frequent the classes are; the map takes eight times as many."""

DRAFT_CELLS, QUICK_CELLS = 2_000, 6_000
"""Drawn cells that teach at once after a stroke, and as soon as nobody waits for the map; all
classes together."""

SEED = 0


@dataclass(frozen=True, slots=True)
class Taught:
    """The drawn cells of one revision, and whose they are."""

    revision: int
    names: tuple[str, ...]
    """The K classes that were drawn, in alphabetical order."""
    cells: SceneCells
    """Scaled already; class 0 background and 1 to K the classes."""
    owners: tuple[str, ...]
    """(P,) id of the example of each number in ``cells.cells.polygons``."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a model learnt from one revision."""

    revision: int
    channels: tuple[str, ...]
    """What the columns of its predictions are; ``background`` first, if it is among them."""
    support: Any
    ground: Ground
    cells: Cells = field(repr=False)
    """What taught it, classes from 0."""
    owners: tuple[str, ...] = ()
    """See ``Taught``."""
    is_draft: bool = False
    """Whether more cells could have taught it."""


def place_examples(
    snapshot: Snapshot, grid: Georeference, path: Path
) -> tuple[Annotations, tuple[str, ...]]:
    """What teaches, as ``read_annotations`` would read it, and the id behind each polygon.

    Args:
        snapshot: of the drawing.
        grid: of the scene.
        path: of its file.
    """
    reach = Buffer().measure(grid)
    groups: dict[str, npt.NDArray[np.object_]] = {}
    owners: list[str] = []
    for name in sorted({example.class_name for example in snapshot.teaching}):
        mine = [example for example in snapshot.teaching if example.class_name == name]
        shapes = np.array([example.geometry for example in mine], dtype=object)
        parts, origin = split_parts(shapes)
        groups[name] = thicken(parts, reach)
        owners += [mine[place].id for place in origin.tolist()]
    return Annotations(path, grid, groups), tuple(owners)


def list_taught_classes(snapshot: Snapshot) -> tuple[str, ...]:
    """The classes to map, in alphabetical order."""
    drawn = {example.class_name for example in snapshot.teaching}
    return tuple(sorted(drawn - {AREA, BACKGROUND, UNKNOWN}))


def gather(snapshot: Snapshot, store: FeatureStore, path: Path) -> Taught | None:
    """The drawn cells of a scene, as ``read_drawn_cells`` finds them, from kept features.

    Args:
        snapshot: of the drawing.
        store: of the scene's features.
        path: of the drawing's file.

    Returns:
        None if no class covers a valid pixel by itself.

    Raises:
        SceneError: the scene is damaged or cannot be reached.
    """
    annotations, owners = place_examples(snapshot, store.scene.grid, path)
    names = list_taught_classes(snapshot)
    stride, side = store.model.stride, store.side
    sample, ground = store.sampled
    parts = []
    for window in annotations.windows(side):
        place = window.row // side, window.col // side
        full = store.window(place)
        classes, polygons = label_cells(annotations, names, full, stride)
        core = store.get(place)
        taken = (classes >= 0) & core.valid
        parts.append((core.pick(taken, ground), classes[taken], polygons[taken]))
    if not parts:
        return None
    values, classes, polygons = (np.concatenate(part) for part in zip(*parts, strict=True))
    seen = [name for number, name in enumerate(names, start=1) if (classes == number).any()]
    if not seen:
        return None
    if len(seen) < len(names):  # a class that others cover, or that lies on ground without data
        places = [0] + [1 + seen.index(name) if name in seen else 0 for name in names]
        classes = np.array(places)[classes]
    one = Scaling(np.zeros(values.shape[1], np.float32), np.ones(values.shape[1], np.float32))
    cells = Cells(
        values,
        classes.astype(np.int64),
        polygons.astype(np.int64),
        ground.scaling.apply(sample),
    )
    cells = limit(cells, MOST_CELLS * (len(seen) + 1))
    scaled = Ground(one, ground.bands, ground.red_green_blue)
    num_pixels = len(classes) * stride**2
    return Taught(snapshot.revision, tuple(seen), SceneCells(cells, scaled, num_pixels), owners)


def learn(taught: Taught, store: FeatureStore, most: int = QUICK_CELLS) -> Learnt:
    """The classes, from at most so many of the drawn cells.

    Args:
        taught: the drawn cells.
        store: of the scene's features; its model learns.
        most: cells that teach.
    """
    drawn = number_classes(taught.cells.cells)
    cells = limit(drawn, most)
    step = max(1, len(cells.scene) // SCENE_CELLS)
    cells = Cells(cells.values, cells.classes, cells.polygons, cells.scene[::step])
    support = store.model.learn(cells)
    names: Sequence[str] = taught.names
    if (taught.cells.cells.classes == 0).any() or len(names) == 1:
        names = (BACKGROUND, *names)
    is_draft = most < min(len(drawn.classes), QUICK_CELLS)
    return Learnt(
        taught.revision, tuple(names), support, store.ground, cells, taught.owners, is_draft
    )


def limit(cells: Cells, most: int) -> Cells:
    """At most so many cells, as many of each class and of each polygon of a class."""
    if len(cells.classes) <= most:
        return cells
    chance = np.random.default_rng(SEED)
    kept = np.zeros(len(cells.classes), np.bool_)
    kept[thin_out(cells, np.arange(len(cells.classes)), most, chance)] = True
    return cells.choose(kept)
