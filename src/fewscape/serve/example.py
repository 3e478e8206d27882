"""What somebody drew, and the classes that there are, at one moment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fewscape.core import ExamplesError
from fewscape.mapping.examples.reserved_names import AREA, BACKGROUND, UNKNOWN, fold_case
from fewscape.raster.writing.palette import BARE_GROUND, Colour, choose_colours, parse_colour

if TYPE_CHECKING:
    from shapely import Geometry

RESERVED = (BACKGROUND, AREA, UNKNOWN)
"""Classes with a meaning of their own, see ``Annotations``."""

MOST_LETTERS = 60
"""Of a class's name."""

MOST_POINTS = 20_000
"""Of a geometry."""

IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Example:
    """One polygon or point with its class."""

    id: str
    class_name: str
    geometry: Geometry
    """Polygon, multipolygon or point, in columns and rows of the scene."""
    tool: str = "polygon"
    """What it was drawn with; ``not`` for what corrected the map."""
    hidden: bool = False
    """Whether it is set aside and teaches nothing."""
    version: int = 0
    """Revision in which it last changed."""

    def encode(self) -> dict[str, Any]:
        """As GeoJSON, in columns and rows."""
        import shapely

        return {
            "type": "Feature",
            "id": self.id,
            "geometry": shapely.geometry.mapping(self.geometry),
            "properties": {
                "class": self.class_name,
                "tool": self.tool,
                "hidden": self.hidden,
                "version": self.version,
                "pixels": round(float(self.geometry.area), 1),
            },
        }


@dataclass(frozen=True, slots=True)
class DrawnClass:
    """A class and its colour."""

    name: str
    colour: Colour

    def encode(self) -> dict[str, str]:
        """As plain data."""
        return {"name": self.name, "colour": write_colour(self.colour)}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that was drawn on a scene; changes make a new one."""

    revision: int = 0
    classes: tuple[DrawnClass, ...] = ()
    examples: Mapping[str, Example] = field(default_factory=dict)
    """By id, in the order of drawing."""

    def colour_of(self, name: str) -> Colour:
        """Of a class that there is."""
        return next(known.colour for known in self.classes if known.name == name)

    @property
    def teaching(self) -> tuple[Example, ...]:
        """What is not set aside."""
        return tuple(example for example in self.examples.values() if not example.hidden)

    def encode(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "revision": self.revision,
            "classes": [known.encode() for known in self.classes],
            "examples": [example.encode() for example in self.examples.values()],
        }


def check_name(name: str) -> str:
    """A class's name without spaces around it.

    Raises:
        ExamplesError: it is empty, too long, or holds what cannot be printed.
    """
    plain = fold_case(name.strip())
    if (
        not plain
        or len(plain) > MOST_LETTERS
        or not plain.isprintable()
        or plain in ("None", "nan")
    ):
        raise ExamplesError(
            f"a class cannot be called '{plain[:MOST_LETTERS]}'",
            f"expected 1 to {MOST_LETTERS} letters",
            "choose another name",
        )
    return plain


def read_colour(text: str) -> Colour:
    """A colour as CSS writes it.

    Raises:
        ExamplesError: it is none.
    """
    colour = parse_colour(text)
    if colour is None:
        raise ExamplesError(f"'{text[:40]}' is no colour", "expected #rrggbb", "choose another one")
    return colour


def write_colour(colour: Colour) -> str:
    """As ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def add_class(
    classes: tuple[DrawnClass, ...], name: str, colour: Colour | None = None
) -> tuple[DrawnClass, ...]:
    """The classes with one more, or as they were if it is known.

    Without a colour it gets one that its name calls for, apart from those of the others.
    """
    if any(known.name == name for known in classes):
        return classes
    if colour is None and name in RESERVED:
        colour = BARE_GROUND
    if colour is None:
        given = {known.name: known.colour for known in classes}
        colour = choose_colours([*given, name], given)[-1]
    return (*classes, DrawnClass(name, colour))


def read_geometry(told: Mapping[str, Any], width: int, height: int) -> Geometry:
    """A geometry from GeoJSON in columns and rows, valid and cut at the scene's edges.

    A line needs a ``width`` beside its coordinates, and becomes the polygon that a brush of that
    width paints.

    Args:
        told: GeoJSON of a polygon, several polygons, a line or a point.
        width: of the scene.
        height: of the scene.

    Raises:
        ExamplesError: it is malformed, huge, or nothing of it lies in the scene.
    """
    import shapely

    kind = told.get("type")
    if kind not in ("Polygon", "MultiPolygon", "LineString", "Point"):
        raise _wrong(f"a geometry of the kind '{str(kind)[:40]}' was drawn")
    if _count_numbers(told.get("coordinates"), 2 * MOST_POINTS) > 2 * MOST_POINTS:
        raise _wrong(f"a geometry has more than {MOST_POINTS:,} points")
    try:
        shape = shapely.force_2d(shapely.geometry.shape(told))
    except (ValueError, TypeError, AttributeError, LookupError, shapely.GEOSException) as error:
        raise _wrong("a geometry is malformed") from error
    if not shapely.is_empty(shape) and not all(abs(edge) < 1e9 for edge in shape.bounds):
        raise _wrong("a geometry has coordinates that are no places")
    if kind == "LineString":
        shape = shape.buffer(max(0.5, _read_width(told) / 2)).simplify(0.25)
    return fit_geometry(shape, width, height)


def fit_geometry(shape: Geometry, width: int, height: int) -> Geometry:
    """Valid and cut at the scene's edges.

    Raises:
        ExamplesError: nothing of it lies in the scene.
    """
    import shapely

    frame = shapely.box(0, 0, width, height)
    if shape.geom_type == "Point":
        if not frame.covers(shape):
            raise _wrong("a point lies outside the scene")
        return shape
    if shape.is_valid and shape.area > 0 and frame.contains(shape):
        return shape
    cut = shapely.make_valid(shape).intersection(frame)
    parts = [part for part in shapely.get_parts(shapely.get_parts(cut)) if part.area > 0]
    if not parts:
        raise _wrong("nothing of what was drawn lies in the scene")
    return parts[0] if len(parts) == 1 else shapely.unary_union(parts)


def _count_numbers(told: object, most: int) -> int:
    """Numbers in nested lists; stops counting beyond ``most``, and below a sane depth."""
    count, waiting = 0, [(told, 0)]
    while waiting and count <= most:
        item, depth = waiting.pop()
        if isinstance(item, list | tuple) and depth < 5:
            waiting.extend((inner, depth + 1) for inner in item)
        else:
            count += 1
    return count


def _read_width(told: Mapping[str, Any]) -> float:
    width = told.get("width", 1)
    if not isinstance(width, int | float) or not 0 < width < 1e5:
        raise _wrong("the width of a stroke is no length")
    return float(width)


def _wrong(problem: str) -> ExamplesError:
    return ExamplesError(
        problem, "expected polygons, strokes or points inside the scene", "draw it again"
    )
