"""What people would draw on a labelled scene: the examples of the main job's benchmark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.core import IGNORE, ConfigError

LEAST_SHARE = 0.01
"""Share of a scene's known pixels below which nobody asks for a class."""

RADII = (12.0, 36.0)
"""Of the discs that a polygon is cut from, pixels."""

LEAST_PIXELS = 40
"""Of a polygon. Smaller ones are taken where no object holds as much."""

MARGIN = 2
"""Pixels that people keep from an object's edge."""

LEAST_OBJECTS, LARGEST_OBJECT = 3, 0.1
"""Parts of a class, and share of a scene, so that people outline its objects one by one."""

TRIES = 60
"""Places tried for each polygon."""

REACH = {"scribbles": 1.5, "points": 3.0}
"""Pixels around lines and points that they are taken to show."""

Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One thing that was drawn."""

    class_id: int
    """Value of its class in the labels."""
    pixels: Mask
    """(H, W) what it covers; of lines and points also what lies within their reach."""
    path: Places | None = None
    """(P, 2) columns and rows of a line, or of a point where P is 1; None for a polygon."""


@dataclass(frozen=True, slots=True)
class _Ground:
    """Where something can be drawn."""

    free: Mask
    """Inside of the objects, less what was drawn."""
    whole: Mask
    """All of the class."""


Shape = Callable[[_Ground, int, int, np.random.Generator], tuple[Mask, "Places | None"]]
"""Draws around a pixel (row, column) of the free ground."""


def wanted_classes(labels: Labels, least_share: float = LEAST_SHARE) -> list[int]:
    """Ids of the classes that cover enough of a scene to be asked for.

    Args:
        labels: (H, W) with 255 for unknown.
        least_share: of the known pixels.

    Examples:
        >>> wanted_classes(np.array([[0, 0, 1, 255]], np.uint8))
        [0, 1]
    """
    counts = np.bincount(labels.ravel(), minlength=IGNORE + 1)[:IGNORE]
    is_wanted = (counts > 0) & (counts >= least_share * counts.sum())
    return [int(class_id) for class_id in np.flatnonzero(is_wanted)]


def has_objects(labels: Labels, class_id: int) -> bool:
    """Whether a class comes in objects that people would outline, as roofs do and deserts do not.

    Args:
        labels: (H, W) with 255 for unknown.
        class_id: of the class.
    """
    from scipy.ndimage import label

    parts, _ = label(labels == class_id)
    sizes = np.bincount(parts.ravel())[1:]
    whole = sizes[sizes >= LEAST_PIXELS]
    return len(whole) >= LEAST_OBJECTS and int(whole.max()) <= LARGEST_OBJECT * labels.size


def draw(
    labels: Labels,
    count: int,
    generator: np.random.Generator,
    form: str = "areas",
    classes: Sequence[int] | None = None,
) -> list[Drawing]:
    """Drawings of each class, by chance and inside its objects.

    Args:
        labels: (H, W) with 255 for unknown.
        count: drawings a class.
        generator: of all chance.
        form: one of ``FORMS``: ``areas`` cuts a disc of random radius from an object, ``objects``
            takes whole objects, ``scribbles`` a crooked line inside one, ``points`` a point.
        classes: ids; those of ``wanted_classes`` if not given.

    Returns:
        At most ``count`` a class: a class whose ground is used up gets fewer.

    Raises:
        ConfigError: unknown form.
    """
    if form not in FORMS:
        raise ConfigError(f"'{form}' is no form of drawing", f"known are {', '.join(FORMS)}")
    drawn: list[Drawing] = []
    for class_id in wanted_classes(labels) if classes is None else classes:
        whole = labels == class_id
        ground = _Ground(_keep_off_edges(whole), whole)
        for _ in range(count):
            found = _try(ground, generator, FORMS[form])
            if found is None:
                break
            drawn.append(Drawing(class_id, *found))
            ground = _Ground(ground.free & ~found[0], whole)
    return drawn


def _keep_off_edges(mask: Mask) -> Mask:
    """The inside of the objects; the whole where they are too thin to have one."""
    from scipy.ndimage import binary_erosion

    inner: Mask = binary_erosion(mask, iterations=MARGIN)
    return inner if inner.sum() >= LEAST_PIXELS else mask


def _try(
    ground: _Ground, generator: np.random.Generator, shape: Shape
) -> tuple[Mask, Places | None] | None:
    """A drawing of the wanted size, else the largest of all tries."""
    places = np.argwhere(ground.free)
    best: tuple[Mask, Places | None] | None = None
    for _ in range(TRIES if len(places) else 0):
        row, col = places[generator.integers(len(places))]
        found = shape(ground, int(row), int(col), generator)
        if shape is _point or found[0].sum() >= LEAST_PIXELS:
            return found
        if best is None or found[0].sum() > best[0].sum():
            best = found
    return best


def _holding(mask: Mask, row: int, col: int) -> Mask:
    """The connected part that holds a pixel."""
    from scipy.ndimage import label

    parts, _ = label(mask)
    part: Mask = parts == parts[row, col]
    return part


def _disc(ground: _Ground, row: int, col: int, generator: np.random.Generator) -> tuple[Mask, None]:
    near = _reach(ground.free.shape, row, col, generator.uniform(*RADII))
    return _holding(ground.free & near, row, col), None


def _object(
    ground: _Ground, row: int, col: int, _generator: np.random.Generator
) -> tuple[Mask, None]:
    """With the edge that others keep off, but not beyond the class."""
    from scipy.ndimage import binary_dilation

    part = _holding(ground.free, row, col)
    return binary_dilation(part, iterations=MARGIN) & ground.whole, None


def _scribble(
    ground: _Ground, row: int, col: int, generator: np.random.Generator
) -> tuple[Mask, Places]:
    """A walk that turns a little at each step and ends where the object ends."""
    from scipy.ndimage import distance_transform_edt

    place, angle = np.array([row, col], float), generator.uniform(0, 2 * np.pi)
    walk: list[tuple[int, int]] = []
    for _ in range(int(generator.uniform(20, 80))):
        r, c = (int(value) for value in np.floor(place + 0.5))
        height, width = ground.free.shape
        if not (0 <= r < height and 0 <= c < width and ground.free[r, c]):
            break
        walk.append((r, c))
        angle += generator.normal(0, 0.25)
        place += np.sin(angle), np.cos(angle)
    off = np.ones(ground.free.shape, np.bool_)
    off[tuple(np.transpose(walk))] = False
    wide: Mask = distance_transform_edt(off) <= REACH["scribbles"]
    corners = list(dict.fromkeys(walk))
    return wide, np.array(corners, float)[:, ::-1] + 0.5


def _point(
    ground: _Ground, row: int, col: int, _generator: np.random.Generator
) -> tuple[Mask, Places]:
    path = np.array([[col + 0.5, row + 0.5]])
    return _reach(ground.free.shape, row, col, REACH["points"]), path


def _reach(shape: tuple[int, ...], row: int, col: int, radius: float) -> Mask:
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    near: Mask = (rows - row) ** 2 + (cols - col) ** 2 <= radius**2
    return near


FORMS: dict[str, Shape] = {
    "areas": _disc,
    "objects": _object,
    "scribbles": _scribble,
    "points": _point,
}
"""Ways of drawing by name."""
