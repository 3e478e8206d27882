"""Facts about the training images in a model folder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError
from fewscape.datasets import measure_images


def check_resolution(metres: float | None) -> float | None:
    """Check the pixel size of a recipe.

    Raises:
        ConfigError: it is not positive.
    """
    if metres is not None and not metres > 0:
        raise ConfigError(
            f"data.ground_resolution is {metres}", "expected metres above 0", "use 0.3"
        )
    return metres


def describe_images(
    images: Iterable[npt.NDArray[np.uint8]], ground_resolution: float | None = None
) -> dict[str, Any]:
    """Make further entries of ``preprocess.json``.

    Args:
        images: some training images, (3, H, W).
        ground_resolution: pixel size in metres, if all have the same.
    """
    facts: dict[str, Any] = {"values": measure_images(images).encode()}
    return facts if ground_resolution is None else facts | {"ground_resolution": ground_resolution}
