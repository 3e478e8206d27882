"""The plain way with one class that was drawn alone: take the scene for its background."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fewscape.models.experts.cells import Cells

MOST_SCENE = 8000
"""Cells of the scene that are taken, evenly."""


def oppose_to_scene(cells: Cells) -> Cells:
    """Cells of the scene as class 0, without asking what they show, and the drawn class as 1.

    The naive classifier of positive and unlabelled data (Elkan and Noto, KDD 2008, section 2).
    Experts count both as equally frequent, so a cell is mapped where the class is denser than
    the scene: the larger the class, the less of it. This is a yardstick; ``PositiveUnlabelled`` is
    the rule.

    Args:
        cells: drawn as one class, number 0.
    """
    scene = cells.scene[:: -(-len(cells.scene) // MOST_SCENE)]
    number = int(cells.polygons.max()) + 1
    return replace(
        cells,
        values=np.concatenate([scene, cells.values]),
        classes=np.repeat([0, 1], [len(scene), len(cells.values)]).astype(np.int64),
        polygons=np.concatenate([np.full(len(scene), number, np.int64), cells.polygons]),
    )
