"""Synthetic pairs with different classes in every scene, to train class-agnostic networks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewscape.datasets.pan_ms.synthetic import SyntheticPair, draw_fields
from fewscape.datasets.pan_ms.wald import WaldOptions, coarsen_labels, make_pair

NUM_CLASSES = 8
BRIGHTNESS = (0.03, 0.4)
"""Range of the mean reflectance of a class."""
TINT = 0.25
"""Spread of the bands around it, relative."""
PLANT_SHARE = 0.4
"""Share of the classes that are bright in the near infrared."""
COPIES = 2
"""Classes with the spectrum of another one, told apart by texture alone."""
MAX_GRAIN, MAX_CONTRAST = 0.12, 0.4
"""Of noise and of furrows, relative."""
MAX_BLUR = 2.0
"""Fine pixels by which grain is smoothed."""
FIELD, ROAD, BLOB = 150, 2500, 150
"""Multispectral pixels of a scene for each field, each road and each round object."""

Floats = npt.NDArray[np.float64]


def make_varied_pair(size: int = 96, seed: int = 0, ratio: int = 4) -> SyntheticPair:
    """Make fields, roads and round objects of classes unique to this scene.

    Every class has a spectrum and a texture of its own: grain of some size, or furrows of 2 to 6
    fine pixels. Two classes share a spectrum with another one.

    Args:
        size: side on the multispectral grid.
        seed: random seed.
        ratio: panchromatic pixels per multispectral one and axis.
    """
    rng = np.random.default_rng([seed, ratio])
    side = size * ratio
    labels = draw_fields(rng, side, max(2 * NUM_CLASSES, size**2 // FIELD), NUM_CLASSES)
    _draw_objects(rng, labels, size)
    table = _draw_spectra(rng)
    image = table[labels - 1].transpose(2, 0, 1)
    change = np.zeros((side, side))
    for number in range(1, NUM_CLASSES + 1):
        own = labels == number
        change[own] = _draw_texture(rng, side)[own]
    image = np.maximum(image * (1 + change), 0)
    options = WaldOptions(ratio=ratio, gains=(float(rng.uniform(0.22, 0.34)),), shift=0.15)
    pair = make_pair(image, options, rng)
    coarse = coarsen_labels(labels, ratio, NUM_CLASSES)
    names = tuple(f"class_{number}" for number in range(1, NUM_CLASSES + 1))
    return SyntheticPair(pair, coarse, labels, names)


def _draw_spectra(rng: np.random.Generator) -> Floats:
    """(8, 4) reflectances."""
    low, high = np.log(BRIGHTNESS).tolist()
    mean = np.exp(rng.uniform(low, high, (NUM_CLASSES, 1)))
    table: Floats = mean * (1 + TINT * rng.normal(size=(NUM_CLASSES, 4))).clip(0.2, 2)
    is_plant = rng.random(NUM_CLASSES) < PLANT_SHARE
    table[is_plant, 3] = rng.uniform(0.2, 0.5, is_plant.sum())
    own = rng.permutation(NUM_CLASSES)
    table[own[:COPIES]] = table[own[COPIES : 2 * COPIES]]
    return table


def _draw_texture(rng: np.random.Generator, side: int) -> Floats:
    """(side, side) relative change of the brightness."""
    from scipy.ndimage import gaussian_filter

    grain = rng.normal(size=(side, side))
    blur = rng.uniform(0, MAX_BLUR)
    if blur > 0.3:
        grain = gaussian_filter(grain, blur)
    texture: Floats = rng.uniform(0.01, MAX_GRAIN) * grain / grain.std()
    if rng.random() < 0.5:
        angle, period = rng.uniform(0, np.pi), rng.uniform(2, 6)
        rows, cols = np.indices((side, side))
        along = (rows * np.sin(angle) + cols * np.cos(angle)) / period
        texture += rng.uniform(0.05, MAX_CONTRAST) * np.sin(2 * np.pi * along)
    return texture


def _draw_objects(rng: np.random.Generator, labels: npt.NDArray[np.uint8], size: int) -> None:
    """Roads of one class and round objects of others, over the fields."""
    side = labels.shape[0]
    rows, cols = np.indices(labels.shape)
    road = rng.integers(1, NUM_CLASSES + 1)
    for _ in range(max(1, size**2 // ROAD)):
        angle = rng.uniform(0, np.pi)
        row, col = rng.uniform(0, side, 2)
        apart = np.abs((rows - row) * np.sin(angle) + (cols - col) * np.cos(angle))
        labels[apart < rng.uniform(3, 10)] = road
    for _ in range(size**2 // BLOB):
        row, col = rng.uniform(0, side, 2)
        inside = (rows - row) ** 2 + (cols - col) ** 2 < rng.uniform(5, 16) ** 2
        labels[inside] = rng.integers(1, NUM_CLASSES + 1)
