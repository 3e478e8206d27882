"""Ranges of the numbers in recipes."""

from __future__ import annotations

from fewscape.core import ConfigError

LARGEST_IMAGE = 16_384
"""Side in pixels."""

MOST_IMAGES = 65_536
"""Of a step."""


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Check the range of a number.

    Args:
        name: key in the recipe.
        value: the number; NaN is invalid.
        least: minimum.
        most: maximum.

    Raises:
        ConfigError: the number is out of range.
    """
    if not least <= value <= most:
        raise ConfigError(
            f"{name} is {value}", f"expected a number from {least:g} to {most:g}", "change it"
        )


def check_crops(image_size: int, batch_size: int, num_workers: int, val_share: float) -> None:
    """Check the numbers common to all trainings on crops.

    Raises:
        ConfigError: one of them is out of range.
    """
    check_range("data.image_size", image_size, 1, LARGEST_IMAGE)
    check_range("data.batch_size", batch_size, 1, MOST_IMAGES)
    check_range("data.num_workers", num_workers, 0, 1024)
    check_range("data.val_share", val_share, 0, 1)
