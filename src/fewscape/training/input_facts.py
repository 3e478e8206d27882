"""What a model folder tells about the images that its network learnt from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.core import ConfigError
from fewscape.datasets import measure_images


def check_resolution(metres: float | None) -> float | None:
    """What a pixel measures on the ground, as a recipe states it.

    Raises:
        ConfigError: it is not positive.
    """
    if metres is not None and not metres > 0:
        raise ConfigError(
            f"data.ground_resolution is {metres}", "expected metres above 0", "use 0.3"
        )
    return metres


def tell_input(
    images: Iterable[npt.NDArray[np.uint8]], ground_resolution: float | None = None
) -> dict[str, Any]:
    """Further entries of ``preprocess.json``.

    Args:
        images: some of those that the network learns from, (3, H, W).
        ground_resolution: metres that a pixel measures, where all have the same.
    """
    facts: dict[str, Any] = {"values": measure_images(images).encode()}
    return facts if ground_resolution is None else facts | {"ground_resolution": ground_resolution}
