"""Connected pixels of a class map, joined over strips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fewscape.raster.writing.writer import NODATA

if TYPE_CHECKING:
    from shapely import Geometry

Labels = npt.NDArray[np.int32]


@dataclass(slots=True)
class Patch:
    """Connected pixels of one class."""

    class_id: int
    pixels: int
    score_sum: float
    parts: list[Geometry] = field(default_factory=list)
    """Polygons in columns and rows, one per strip."""

    @property
    def score(self) -> float:
        """Mean probability of the pixels."""
        return self.score_sum / self.pixels

    def absorb(self, other: Patch) -> None:
        """Merge another part of the same patch."""
        self.pixels += other.pixels
        self.score_sum += other.score_sum
        self.parts += other.parts

    def outline(self) -> Geometry:
        """The joined polygon; vertices are integers, so joining is exact."""
        import shapely

        return self.parts[0] if len(self.parts) == 1 else shapely.union_all(self.parts)


def label_patches(classes: npt.NDArray[np.uint8]) -> Labels:
    """Label pixels that share an edge and a class from 1; 0 and 255 get 0.

    Args:
        classes: (H, W) class map.

    Returns:
        (H, W), numbered by their first pixels.
    """
    from skimage.measure import label

    within = np.where(classes == NODATA, 0, classes)
    numbered: Labels = label(within, background=0, connectivity=1).astype(np.int32)
    return numbered


class PatchTracker:
    """Joins connected pixels over strips that arrive from the top."""

    def __init__(self) -> None:
        self._open: dict[int, Patch] = {}
        self._above: Labels | None = None
        self._next = 1

    def advance(
        self, classes: npt.NDArray[np.uint8], scores: npt.NDArray[np.float32], row: int
    ) -> Iterator[Patch]:
        """Add a strip and return the patches that are complete.

        Args:
            classes: (H, W) of the strip; 0 and 255 belong to no patch.
            scores: (H, W), averaged over each patch.
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
        """Join patches across the seam; returns the new labels."""
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
    """Connected pixels of a strip: labels (H, W), 0 for none, and a patch per label."""
    from affine import Affine
    from rasterio.features import shapes
    from shapely.geometry import shape

    labels = label_patches(classes)
    pixels = np.bincount(labels.ravel())
    sums = np.bincount(labels.ravel(), weights=scores.ravel())
    kinds = np.zeros(len(pixels), np.int64)
    kinds[labels.ravel()] = classes.ravel()
    patches = {
        number - 1 + first: Patch(int(kinds[number]), int(pixels[number]), float(sums[number]))
        for number in range(1, len(pixels))
    }
    labels[labels > 0] += first - 1
    place = Affine.translation(0, row)
    for outline, number in shapes(labels, mask=labels > 0, connectivity=4, transform=place):
        patches[int(number)].parts.append(shape(outline))
    return labels, patches
