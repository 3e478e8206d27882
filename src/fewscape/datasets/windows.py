"""Index the windows of images that show enough of a class."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError, Window
from fewscape.datasets.areas import image_stem
from fewscape.datasets.base import LabelledImages

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ShareLimits:
    """Allowed share of the object in a window.

    At least ``low`` of the window's pixels are the object, and at least ``1 - high`` are known to
    be something else. If all pixels are labelled, the object's share is between the two.
    """

    low: float = 0.03
    high: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high <= 1:
            raise ConfigError(
                f"object shares from {self.low} to {self.high}",
                "expected 0 < smallest <= largest <= 1",
                "shares are fractions of a window, such as 0.03 and 0.9",
            )


class WindowIndex:
    """Windows on a grid of positions in each image, by the classes that they show enough of.

    The labels are read once, on construction.

    Args:
        dataset: the images.
        size: height and width of the windows; smaller images have none. None for whole images of
            any size.
        limits: allowed object shares.
        hidden: ids whose pixels count as unknown.
        step: step of the grid, pixels; a quarter of the window if not given. The last position is
            flush with the image's edge, so that every pixel is in some window.
        listed: allowed image names by class id; all images for other classes.
    """

    def __init__(
        self,
        dataset: LabelledImages,
        size: tuple[int, int] | None,
        limits: ShareLimits | None = None,
        hidden: Collection[int] = (),
        step: int | None = None,
        listed: Mapping[int, Collection[str]] | None = None,
    ) -> None:
        listed = listed or {}
        limits = limits or ShareLimits()
        ids = list(dataset.classes)
        lookup = np.full(256, len(ids), np.int64)  # the last column counts the unknown pixels
        lookup[ids] = np.arange(len(ids))
        lookup[[dataset.ignore, *hidden]] = len(ids)
        self._sizes: dict[int, tuple[int, int]] = {}
        self._windows: dict[int, dict[int, Ints]] = {class_id: {} for class_id in ids}
        for image in range(len(dataset)):
            whole = dataset.size(image)
            parts = self._sizes[image] = size or whole
            stem = image_stem(dataset, image)
            rows, cols = (
                grid_starts(length, part, step or max(1, part // 4))
                for length, part in zip(whole, parts, strict=True)
            )
            if rows.size and cols.size:
                codes = lookup[dataset.read_labels(image)]
                counts = count_windows(codes, len(ids) + 1, rows, cols, parts)
                fitting = _within(counts, parts[0] * parts[1], limits)
                for column, class_id in enumerate(ids):
                    if class_id in listed and stem not in listed[class_id]:
                        continue
                    row, col = np.nonzero(fitting[..., column])
                    if row.size:
                        self._windows[class_id][image] = np.stack([rows[row], cols[col]], axis=1)

    def images(self, class_id: int) -> list[int]:
        """Images with at least one window of the class."""
        return list(self._windows.get(class_id, {}))

    def count(self, class_id: int, image: int) -> int:
        """Number of windows of the class in an image."""
        return len(self._windows[class_id][image])

    def window(self, class_id: int, image: int, number: int) -> Window:
        """One of these windows."""
        row, col = self._windows[class_id][image][number].tolist()
        return Window(row, col, *self._sizes[image])


def grid_starts(length: int, part: int, step: int) -> Ints:
    """Starts of parts along a length, ``step`` apart, the last one flush with the end.

    Examples:
        >>> grid_starts(10, 4, 4).tolist()
        [0, 4, 6]
        >>> grid_starts(3, 4, 4).tolist()
        []
    """
    if length < part:
        return np.zeros(0, np.int64)
    return np.append(np.arange(0, length - part, step), length - part)


def count_windows(
    codes: Ints, num_codes: int, rows: Ints, cols: Ints, size: tuple[int, int]
) -> Ints:
    """Pixels of each code in every window of a grid.

    Uses one histogram over the cells between all window edges, then an integral image over these
    cells: the cost does not depend on the overlap.

    Args:
        codes: (H, W) numbers below ``num_codes``.
        num_codes: number of codes.
        rows: (R,) first rows of the windows.
        cols: (Q,) first columns.
        size: height and width of a window.

    Returns:
        (R, Q, num_codes) counts.
    """
    row_edges = np.union1d(rows, rows + size[0])
    col_edges = np.union1d(cols, cols + size[1])
    inner = codes[row_edges[0] : row_edges[-1], col_edges[0] : col_edges[-1]]
    row_cells = np.repeat(np.arange(len(row_edges) - 1), np.diff(row_edges))
    col_cells = np.repeat(np.arange(len(col_edges) - 1), np.diff(col_edges))
    shape = (len(row_edges) - 1, len(col_edges) - 1, num_codes)
    cells = (row_cells[:, None] * shape[1] + col_cells) * num_codes + inner
    histogram = np.bincount(cells.ravel(), minlength=shape[0] * shape[1] * shape[2])
    integral = np.zeros((shape[0] + 1, shape[1] + 1, num_codes), np.int64)
    integral[1:, 1:] = histogram.reshape(shape).cumsum(0).cumsum(1)
    top, bottom = (np.searchsorted(row_edges, edge) for edge in (rows, rows + size[0]))
    left, right = (np.searchsorted(col_edges, edge) for edge in (cols, cols + size[1]))
    return (
        integral[np.ix_(bottom, right)]
        - integral[np.ix_(top, right)]
        - integral[np.ix_(bottom, left)]
        + integral[np.ix_(top, left)]
    )


def _within(counts: Ints, area: int, limits: ShareLimits) -> npt.NDArray[np.bool_]:
    objects, unknown = counts[..., :-1], counts[..., -1:]
    others = area - unknown - objects
    # The slack keeps 0.9 of 10 pixels from failing, since 1 - 0.9 > 0.1 in binary.
    return (objects >= limits.low * area - 1e-6) & (others >= (1 - limits.high) * area - 1e-6)
