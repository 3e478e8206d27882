"""Cells that tests draw."""

import numpy as np

from fewscape.models.experts import Cells

CENTRES = np.array([[0, 0, 0, 0], [2, 0, 1, 0], [0, 2, 0, -1]], np.float32)


def draw_cells(num_classes=3, polygons=3, seed=0):
    """Polygons of 5 to 30 cells of each class, and 200 cells of the scene."""
    rng = np.random.default_rng(seed)
    values, classes, numbers = [], [], []
    for number in range(num_classes * polygons):
        count = int(rng.integers(5, 30))
        owner = number % num_classes
        values.append(CENTRES[owner] + rng.normal(0, 0.2, 4) + rng.normal(0, 0.7, (count, 4)))
        classes += [owner] * count
        numbers += [number] * count
    scene = CENTRES[rng.integers(0, num_classes, 200)] + rng.normal(0, 0.7, (200, 4))
    return Cells(
        np.concatenate(values).astype(np.float32),
        np.array(classes),
        np.array(numbers),
        scene.astype(np.float32),
    )
