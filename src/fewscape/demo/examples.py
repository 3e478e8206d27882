"""Draw random examples as a person would: pieces of ground inside objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fewscape.mapping.examples.reserved_names import BACKGROUND
from fewscape.raster import Georeference
from fewscape.raster.writing.staging import report_write_errors

Geometries = npt.NDArray[np.object_]
"""(N,) polygons in columns and rows."""

Labels = npt.NDArray[np.uint8]

NUM_EXAMPLES = 3
"""Polygons of each class."""

LEAST_SHARE = 0.02
"""Share of the scene above which other ground is drawn once as background."""


@dataclass(frozen=True, slots=True)
class DemoExamples:
    """What was drawn."""

    outlines: Mapping[str, Geometries]
    """Polygons of each class, then of the background."""
    covered: npt.NDArray[np.bool_]
    """(H, W) covered pixels."""

    @property
    def told(self) -> str:
        """Describe the examples."""
        return (
            f"{NUM_EXAMPLES} polygons of each class and {len(self.outlines[BACKGROUND])} of "
            "other ground, drawn at random places"
        )


def draw_examples(labels: Labels, classes: Mapping[str, int], seed: int) -> DemoExamples:
    """Draw three polygons of every class, and one of each other common kind of ground.

    A polygon is the intersection of an object, without its edge, and a disc of random radius at a
    random place.

    Args:
        labels: (H, W) of the whole scene.
        classes: ids of the classes to map, by name.
        seed: random seed.
    """
    from fewscape.benchmark.main_job.simulated_user import draw, wanted_classes

    generator = np.random.default_rng(seed)
    wanted = [*classes.values()]
    others = [each for each in wanted_classes(labels, LEAST_SHARE) if each not in wanted]
    drawings = draw(labels, NUM_EXAMPLES, generator, classes=wanted)
    around = draw(labels, 1, generator, classes=others)
    outlines = {
        name: trace([each.pixels for each in drawings if each.class_id == number])
        for name, number in classes.items()
    }
    outlines[BACKGROUND] = trace([each.pixels for each in around])
    covered = np.zeros(labels.shape, np.bool_)
    for each in (*drawings, *around):
        covered |= each.pixels
    return DemoExamples(outlines, covered)


def trace(masks: Sequence[npt.NDArray[np.bool_]]) -> Geometries:
    """Trace each connected part of masks (H, W) as a polygon in columns and rows."""
    from rasterio.features import shapes
    from shapely.geometry import shape

    traced = [
        shape(outline) for mask in masks for outline, _ in shapes(mask.astype(np.uint8), mask=mask)
    ]
    return np.array(traced, dtype=object)


def write_examples(path: Path, examples: Mapping[str, Geometries], grid: Georeference) -> None:
    """Write a GeoPackage with the attribute ``class``.

    Args:
        path: the file; an older one is replaced.
        examples: polygons of each class in columns and rows.
        grid: grid of the scene.

    Raises:
        OutputError: the file cannot be written.
    """
    import pyogrio
    import shapely

    polygons = np.concatenate(list(examples.values()))
    names: Sequence[str] = [name for name, group in examples.items() for _ in group]
    with report_write_errors(path):
        path.unlink(missing_ok=True)
        pyogrio.raw.write(
            path,
            shapely.to_wkb(shapely.transform(polygons, grid.to_ground)),
            [np.array(names, dtype=object)],
            ["class"],
            layer="examples",
            driver="GPKG",
            geometry_type="Polygon",
            crs=grid.crs.to_wkt() if grid.crs else None,
        )
