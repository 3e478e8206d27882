"""Polygons of a class map, in bounded memory."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fewscape.core import Window
from fewscape.raster.gdal import open_raster, to_rasterio
from fewscape.raster.georeference import Georeference, reproject
from fewscape.raster.staging import report_write_errors
from fewscape.raster.writer import NODATA, PROBABILITY_STEPS

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from shapely import Geometry

STRIP_PIXELS = 4_000_000
"""Pixels that are in memory at a time."""

BATCH = 5_000
"""Polygons written at a time."""

EDGE_PIXELS = 64
"""Longest straight edge, in pixels, before areas are measured in another projection."""

Labels = npt.NDArray[np.int32]


@dataclass(slots=True)
class Patch:
    """Connected pixels of one class."""

    class_id: int
    pixels: int
    score_sum: float
    parts: list[Geometry] = field(default_factory=list)
    """Polygons in columns and rows, one for each strip."""

    @property
    def score(self) -> float:
        """Mean probability of the pixels."""
        return self.score_sum / self.pixels

    def absorb(self, other: Patch) -> None:
        """Take in what turned out to be the same patch."""
        self.pixels += other.pixels
        self.score_sum += other.score_sum
        self.parts += other.parts

    def outline(self) -> Geometry:
        """One polygon; its vertices are whole numbers, so joining is exact."""
        import shapely

        return self.parts[0] if len(self.parts) == 1 else shapely.union_all(self.parts)


def vectorise_map(
    classes: Path,
    probabilities: Sequence[Path],
    target: Path,
    names: Sequence[str],
    metadata: Mapping[str, str] | None = None,
    strip_pixels: int = STRIP_PIXELS,
) -> int:
    """Write the polygons of a class map as a GeoPackage; return how many there are.

    Pixels that share an edge and a class make one polygon. The map is read in strips; polygons
    that pass from strip to strip are joined, and written as soon as they are complete.

    Fields: ``class``, ``class_id``, ``score`` (mean probability of its pixels; empty without
    probabilities), ``area_m2`` (true on the ground in any projection; empty without a CRS),
    ``pixels``.

    Args:
        classes: class map, 0 background, 1 to K classes, 255 no data.
        probabilities: rasters of the K classes' probabilities, steps of 1 / 254; may be empty.
        target: the GeoPackage.
        names: K class names.
        metadata: text that goes with the file.
        strip_pixels: pixels that are in memory at a time.

    Raises:
        OutputError: the file cannot be written.
    """
    sink = _PolygonSink(target, names, bool(probabilities), dict(metadata or {}))
    sources = [open_raster(path) for path in (classes, *probabilities)]
    try:
        dataset = sources[0]
        grid = Georeference(dataset.height, dataset.width, dataset.transform, dataset.crs or None)
        sink.begin(grid)
        rows = max(1, strip_pixels // grid.width)
        strips = (
            Window(row, 0, min(rows, grid.height - row), grid.width)
            for row in range(0, grid.height, rows)
        )
        tracker = PatchTracker()
        for strip in strips:
            bands = [source.read(1, window=to_rasterio(strip)) for source in sources]
            sink.add(tracker.advance(bands[0], _pick_scores(bands[0], bands[1:]), strip.row))
        sink.add(tracker.finish())
        sink.flush()
    finally:
        for source in sources:
            source.close()
    return sink.count


class PatchTracker:
    """Joins connected pixels over strips that arrive from the top."""

    def __init__(self) -> None:
        self._open: dict[int, Patch] = {}
        self._above: Labels | None = None
        self._next = 1

    def advance(
        self, classes: npt.NDArray[np.uint8], scores: npt.NDArray[np.float32], row: int
    ) -> Iterator[Patch]:
        """Take in a strip; give the patches that cannot grow any more.

        Args:
            classes: (H, W) of the strip; 0 and 255 belong to no patch.
            scores: (H, W), what is averaged over a patch.
            row: first row of the strip in the scene.
        """
        labels, patches = _find_patches(classes, scores, row, first=self._next)
        self._next += len(patches)
        merged = self._join_above(labels, patches)
        present, where = np.unique(labels[-1], return_inverse=True)
        final = [merged.get(label, label) for label in present.tolist()]
        alive = set(final)
        known = self._open | patches
        kept = {label for label in known if label not in merged}
        self._open = {label: known[label] for label in kept & alive}
        self._above = np.array(final, np.int32)[where]
        yield from (known[label] for label in sorted(kept - alive))

    def finish(self) -> Iterator[Patch]:
        """The patches that reach the last row."""
        yield from self._open.values()
        self._open = {}

    def _join_above(self, labels: Labels, patches: dict[int, Patch]) -> dict[int, int]:
        """Join patches over the seam; which label became which."""
        if self._above is None:
            return {}
        known = self._open | patches
        seam = np.stack([self._above, labels[0]], axis=1)
        pairs = np.unique(seam[(seam > 0).all(axis=1)], axis=0)
        became: dict[int, int] = {}

        def root(label: int) -> int:
            while label in became:
                label = became[label]
            return label

        for above, below in pairs.tolist():
            first, second = sorted((root(above), root(below)))
            if first != second and known[first].class_id == known[second].class_id:
                known[first].absorb(known[second])
                became[second] = first
        return {label: root(label) for label in became}


def _find_patches(
    classes: npt.NDArray[np.uint8], scores: npt.NDArray[np.float32], row: int, first: int
) -> tuple[Labels, dict[int, Patch]]:
    """Connected pixels of a strip: labels (H, W), 0 none, and a patch for each label."""
    from affine import Affine
    from rasterio.features import shapes
    from shapely.geometry import shape
    from skimage.measure import label

    within = np.where(classes == NODATA, 0, classes)
    labels = label(within, background=0, connectivity=1).astype(np.int32)
    pixels = np.bincount(labels.ravel())
    sums = np.bincount(labels.ravel(), weights=scores.ravel())
    kinds = np.zeros(len(pixels), np.int64)
    kinds[labels.ravel()] = within.ravel()
    patches = {
        number - 1 + first: Patch(int(kinds[number]), int(pixels[number]), float(sums[number]))
        for number in range(1, len(pixels))
    }
    labels[labels > 0] += first - 1
    place = Affine.translation(0, row)
    for outline, number in shapes(labels, mask=labels > 0, connectivity=4, transform=place):
        patches[int(number)].parts.append(shape(outline))
    return labels, patches


def _pick_scores(
    classes: npt.NDArray[np.uint8], probabilities: Sequence[npt.NDArray[np.uint8]]
) -> npt.NDArray[np.float32]:
    """The probability of each pixel's own class."""
    scores = np.zeros(classes.shape, np.float32)
    for number, probability in enumerate(probabilities, start=1):
        np.copyto(scores, probability / np.float32(PROBABILITY_STEPS), where=classes == number)
    return scores


class _PolygonSink:
    """Appends patches to a GeoPackage in batches."""

    FIELDS = ("class", "class_id", "score", "area_m2", "pixels")

    def __init__(
        self, path: Path, names: Sequence[str], scored: bool, metadata: dict[str, str]
    ) -> None:
        self.path = path
        self.names = names
        self.scored = scored
        self.metadata = metadata
        self.count = 0
        self._batch: list[Patch] = []
        self._begun = False
        self._grid: Georeference
        self._flat: CRS | None

    def begin(self, grid: Georeference) -> None:
        """Tell where the polygons lie."""
        self._grid = grid
        self._flat = grid.equal_area_crs()

    def add(self, patches: Iterator[Patch]) -> None:
        """Write patches, as many at a time as make a batch."""
        for patch in patches:
            self._batch.append(patch)
            if len(self._batch) == BATCH:
                self.flush()

    def flush(self) -> None:
        """Write what is waiting; the first call makes the file, even an empty one."""
        import pyogrio
        import shapely

        if self._begun and not self._batch:
            return
        pixels = np.array([patch.outline() for patch in self._batch], dtype=object)
        ground = shapely.transform(pixels, self._grid.to_ground)
        with report_write_errors(self.path), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")
            pyogrio.raw.write(
                self.path,
                shapely.to_wkb(ground),
                self._columns(self._areas(pixels)),
                list(self.FIELDS),
                layer="polygons",
                driver="GPKG",
                geometry_type="Polygon",
                crs=self._grid.crs.to_wkt() if self._grid.crs else None,
                append=self._begun,
                dataset_metadata=None if self._begun else self.metadata,
            )
        self.count += len(self._batch)
        self._batch = []
        self._begun = True

    def _columns(self, areas: npt.NDArray[np.float64]) -> list[npt.NDArray[np.generic]]:
        scores = [patch.score if self.scored else np.nan for patch in self._batch]
        return [
            np.array([self.names[patch.class_id - 1] for patch in self._batch], dtype=object),
            np.array([patch.class_id for patch in self._batch], np.int32),
            np.array(scores, np.float64).round(4),
            areas.round(2),
            np.array([patch.pixels for patch in self._batch], np.int64),
        ]

    def _areas(self, pixels: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
        """Square metres on the ground; NaN, which becomes an empty field, without a CRS."""
        import shapely

        grid, flat = self._grid, self._flat
        if grid.crs is None or flat is None:
            return np.full(len(pixels), np.nan)
        # Straight edges are curves in another projection: short ones lose nothing.
        fine = shapely.segmentize(pixels, EDGE_PIXELS)
        source = grid.crs
        flattened = shapely.transform(
            fine, lambda points: reproject(grid.to_ground(points), source, flat)
        )
        areas: npt.NDArray[np.float64] = shapely.area(flattened)
        return areas
