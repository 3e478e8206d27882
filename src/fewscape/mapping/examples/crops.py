"""Crops of a scene around the examples, which few-shot networks learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, ExamplesError, Window, suggest
from fewscape.mapping.examples.annotations import Annotations
from fewscape.mapping.examples.example_files import hash_examples
from fewscape.raster import SceneReader
from fewscape.raster.writing.palette import Colour

if TYPE_CHECKING:
    from shapely import Geometry

BOUNDARY_POINTS = 8
"""Candidate places along the outline of an object larger than a window."""

SPECK = 0.05
"""Share of the typical polygon's area below which a polygon gets no crop of its own."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shot:
    """One annotated crop."""

    image: npt.NDArray[np.float32]
    """(C, H, W) in [0, 1]."""
    mask: npt.NDArray[np.uint8]
    """(H, W): 1 the class, 0 not the class, 255 unknown."""
    window: Window
    """Its window in the scene of the examples."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Classes and the shots of each."""

    class_names: tuple[str, ...]
    shots: tuple[tuple[Shot, ...], ...]
    """At least one for each class."""
    source: str = ""
    """Name of the file."""
    sha256: str = ""
    """Hash of the file and its sidecars, see ``hash_examples``."""
    colours: Mapping[str, Colour] = field(default_factory=dict)
    """Colours that the file gives to classes."""


def cut_examples(
    annotations: Annotations,
    scene: SceneReader,
    window: int = 256,
    max_shots: int = 5,
    cell: int = 1,
    classes: Sequence[str] | None = None,
) -> Examples:
    """Cut crops around the polygons of each class, at the scene's resolution.

    A crop is centred on a polygon, or on a point of its outline if the polygon is larger than the
    crop, so that it shows the surroundings too. The mask has all polygons in the crop. Crops of a
    class are spread out: the first shows a typical polygon (half of the class's area is in smaller
    ones), each further one the polygon farthest from the earlier crops. Polygons shown in an
    earlier crop, and those much smaller than the typical one, get no crop. Near the scene's edge,
    crops are shifted inward. ``Annotations`` defines how masks treat unlabelled ground.

    Args:
        annotations: polygons on ``scene``.
        scene: the scene to cut.
        window: side of the crops, pixels.
        max_shots: maximum number of crops per class.
        cell: side of a feature cell, pixels; smaller objects vanish in the network.
        classes: classes to cut; polygons of others still count as background.

    Raises:
        ExamplesError: a class is unknown, has only polygons smaller than one cell, or has no valid
            pixel; or there is no background at all.
    """
    names = choose_classes(annotations, classes)
    if not annotations.has_background:
        raise ExamplesError(
            f"the examples '{annotations.path}' have no background for '{names[0]}'",
            "a network learns from the contrast",
            "draw other ground as 'background' or as other classes, or use --examples_are "
            "objects if every polygon is a whole object",
        )
    shots = []
    for name in names:
        _check_sizes(annotations, name, cell)
        windows = _spread(annotations.polygons[name], scene, window, max_shots)
        cut = [_cut(annotations, name, scene, place) for place in windows]
        seen = tuple(shot for shot in cut if (shot.mask == 1).any())
        if not seen:
            raise ExamplesError(
                f"no example of '{name}' covers a valid pixel of '{scene.path}'",
                "expected polygons on valid pixels",
                "move the polygons, or check the scene's nodata value",
            )
        shots.append(seen)
    digest = hash_examples(annotations.path)
    return Examples(names, tuple(shots), annotations.path.name, digest, annotations.colours)


def choose_classes(annotations: Annotations, classes: Sequence[str] | None) -> tuple[str, ...]:
    """Choose the classes to map: all drawn ones, or the given ones.

    Raises:
        ExamplesError: a given class was not drawn.
    """
    known = annotations.class_names
    for name in classes or ():
        if name not in known:
            raise ExamplesError(
                f"the examples '{annotations.path}' have no class '{name}'",
                "",
                suggest(name, known),
            )
    return known if classes is None else tuple(name for name in known if name in classes)


def _check_sizes(annotations: Annotations, name: str, cell: int) -> None:
    import shapely

    polygons = annotations.polygons[name]
    areas = shapely.area(polygons)
    if areas.max() >= cell * cell:
        return
    left, top, right, bottom = shapely.bounds(polygons[areas.argmax()]).tolist()
    raise ExamplesError(
        f"the polygons of '{name}' are smaller than one feature cell: the largest measures "
        f"{right - left:.1f} x {bottom - top:.1f} pixels",
        f"a cell is {cell} x {cell} pixels",
        "use imagery of finer resolution or a model with smaller cells, or draw larger objects",
    )


def _cut(annotations: Annotations, name: str, scene: SceneReader, window: Window) -> Shot:
    image, valid = scene.read(window)
    mask = annotations.mask(name, window)
    mask[~valid] = IGNORE
    return Shot(image, mask, window)


def _spread(
    polygons: npt.NDArray[np.object_], scene: SceneReader, side: int, most: int
) -> list[Window]:
    """Choose windows around polygons that are far apart."""
    import shapely

    areas = shapely.area(polygons)
    order = np.argsort(areas, kind="stable")
    middle = int(np.searchsorted(areas[order].cumsum(), areas.sum() / 2))
    typical = order[min(middle, len(order) - 1)]
    chosen = [typical, *(i for i in order if i != typical and areas[i] >= SPECK * areas[typical])]
    points = np.concatenate([_propose(polygons[index], side) for index in chosen])
    windows: list[Window] = []
    distance = np.full(len(points), np.inf)
    while len(windows) < most and distance.max() > 0:
        farthest = points[distance.argmax()]
        windows.append(_centre(farthest, scene, side))
        distance = np.minimum(distance, np.hypot(*(points - farthest).T))
        distance[_contains(windows[-1], points)] = 0
    return windows


def _propose(polygon: Geometry, side: int) -> Points:
    """Candidate crop centres of one polygon, (N, 2) columns and rows."""
    left, top, right, bottom = polygon.bounds
    if max(right - left, bottom - top) <= side:
        return np.array([[(left + right) / 2, (top + bottom) / 2]])
    steps = np.arange(BOUNDARY_POINTS) / BOUNDARY_POINTS
    outline = polygon.exterior
    return np.array([outline.interpolate(step, normalized=True).coords[0] for step in steps])


def _centre(point: Points, scene: SceneReader, side: int) -> Window:
    """The window around a point, shifted into the scene."""
    col, row = (int(np.floor(value)) - side // 2 for value in point)
    return Window(
        min(max(row, 0), max(scene.height - side, 0)),
        min(max(col, 0), max(scene.width - side, 0)),
        side,
        side,
    )


def _contains(window: Window, points: Points) -> npt.NDArray[np.bool_]:
    row, col, height, width = window
    x, y = points[:, 0], points[:, 1]
    return (x >= col) & (x < col + width) & (y >= row) & (y < row + height)
