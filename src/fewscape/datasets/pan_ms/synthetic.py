"""A synthetic scene that needs both sources (docs/methods/dual_source.md#test-scenes)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fewscape.datasets.pan_ms.wald import PAN_WEIGHTS, WaldOptions, coarsen_labels, make_pair
from fewscape.raster import PanMsPair

REFLECTANCES: dict[str, tuple[float, float, float, float]] = {
    "water": (0.06, 0.05, 0.03, 0.01),
    "dense vegetation": (0.04, 0.08, 0.05, 0.45),
    "bare soil": (0.10, 0.15, 0.20, 0.28),
    "bright roof": (0.30, 0.32, 0.33, 0.35),
    "smooth field": (0.08, 0.13, 0.16, 0.30),
    "furrowed field": (0.08, 0.13, 0.16, 0.30),
    "grey paving": (0.16, 0.18, 0.18, 0.18),
    "dry scrub": (0.06, 0.09, 0.12, 0.0),  # near infrared is solved for the same panchromatic value
}
"""Blue, green, red and near infrared of the classes 1 to 8."""

TEXTURE_PAIR = ("smooth field", "furrowed field")
"""The same mean spectrum; furrows are finer than a multispectral pixel."""
SPECTRAL_PAIR = ("grey paving", "dry scrub")
"""The same panchromatic value from other bands."""

PERIODS = (2, 3, 4)
"""Of the furrows, in fine pixels."""
CONTRAST = 0.35
"""Of the furrows, relative to the mean."""
GRAIN = 0.03
"""Relative noise of the ground within a class."""


@dataclass(frozen=True, slots=True)
class SyntheticPair:
    """A pair with labels from 1 to 8; 0 where a multispectral pixel is mixed."""

    pair: PanMsPair
    labels: npt.NDArray[np.uint8]
    """(h, w) on the multispectral grid."""
    fine_labels: npt.NDArray[np.uint8]
    """(4 h, 4 w)."""
    class_names: tuple[str, ...]
    """Of the labels 1, 2, ..."""


def make_synthetic_pair(
    size: int = 128, seed: int = 0, fields: int = 90, options: WaldOptions | None = None
) -> SyntheticPair:
    """Make fields of all classes, degraded by Wald's protocol.

    Args:
        size: side on the multispectral grid.
        seed: random seed.
        fields: number of Voronoi cells; classes alternate.
        options: options of the pair; by default the panchromatic weights are exact, so that the
            spectral pair has equal brightness.
    """
    rng = np.random.default_rng(seed)
    options = options or WaldOptions(jitter=0.0)
    side = size * options.ratio
    table = _solve_table(options.weights)
    labels = draw_fields(rng, side, fields, len(table))
    image = table[labels - 1].transpose(2, 0, 1)
    image = image * (1 + GRAIN * rng.normal(size=(1, side, side)))
    image = image * (1 + _draw_furrows(rng, labels, list(REFLECTANCES).index(TEXTURE_PAIR[1]) + 1))
    pair = make_pair(image, options, rng)
    coarse = coarsen_labels(labels, options.ratio, len(table))
    return SyntheticPair(pair, coarse, labels, tuple(REFLECTANCES))


def _solve_table(weights: tuple[float, ...] = PAN_WEIGHTS["gaofen"]) -> npt.NDArray[np.float64]:
    """(8, 4) reflectances; both classes of the spectral pair with one panchromatic value."""
    table = np.array(list(REFLECTANCES.values()))
    first, second = (list(REFLECTANCES).index(name) for name in SPECTRAL_PAIR)
    shares = np.array(weights) / np.sum(weights)
    table[second, 3] = (table[first] @ shares - table[second, :3] @ shares[:3]) / shares[3]
    return table


def draw_fields(
    rng: np.random.Generator, side: int, fields: int, num_classes: int
) -> npt.NDArray[np.uint8]:
    """Draw labels (side, side) from 1: Voronoi cells with alternating classes."""
    from scipy.spatial import cKDTree

    places = rng.uniform(0, side, (fields, 2))
    classes = rng.permutation(np.arange(fields) % num_classes) + 1
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=2)
    nearest = cKDTree(places).query(grid.reshape(-1, 2), workers=1)[1]
    labels: npt.NDArray[np.uint8] = classes[nearest].reshape(side, side).astype(np.uint8)
    return labels


def _draw_furrows(
    rng: np.random.Generator, labels: npt.NDArray[np.uint8], number: int
) -> npt.NDArray[np.float64]:
    """Draw relative changes (H, W): square waves with mean 0 over every period."""
    side = labels.shape[0]
    period = int(rng.choice(PERIODS[::2]))
    rows, cols = np.indices((side, side))
    along = rows if rng.random() < 0.5 else cols
    wave = np.where(along % period < period / 2, 1.0, -1.0)
    return np.where(labels == number, CONTRAST * wave, 0.0)
