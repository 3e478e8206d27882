"""Percentile limits, linear scaling between limits, and the rule for nodata."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LOW, HIGH = 2.0, 98.0
"""Percentiles that become 0 and 1 when values are stretched."""

LARGEST = 1e30
"""Limit of real values; programs write -3.4e38 and the like as nodata."""

Floats = npt.NDArray[np.float32]


def find_limits(
    values: npt.NDArray[Any], *percentiles: float
) -> tuple[npt.NDArray[np.float64], ...]:
    """Percentiles along the last axis, computed in float64.

    Args:
        values: (..., N), N at least 1.
        percentiles: ``LOW`` and ``HIGH`` if not given.

    Returns:
        One array (...) per percentile.

    Examples:
        >>> low, high = find_limits(np.arange(101))
        >>> float(low), float(high)
        (2.0, 98.0)
    """
    return tuple(np.percentile(values.astype(np.float64), percentiles or (LOW, HIGH), axis=-1))


def stretch(values: npt.NDArray[Any], low: float, high: float) -> Floats:
    """Scale values linearly so that ``low`` becomes 0 and ``high`` 1, and clip to [0, 1].

    Examples:
        >>> stretch(np.array([0, 5, 20]), 0, 10).tolist()
        [0.0, 0.5, 1.0]
    """
    scaled = (values.astype(np.float64) - low) / max(high - low, 1e-12)
    return np.clip(scaled, 0, 1).astype(np.float32)


def is_number(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where values are data rather than NaN, infinite or beyond ``LARGEST``; all of integers."""
    if not np.issubdtype(values.dtype, np.floating):
        return np.ones(values.shape, bool)
    found: npt.NDArray[np.bool_] = np.abs(values) < LARGEST
    return found


def find_data(bands: npt.NDArray[Any], nodata: float | None) -> npt.NDArray[np.bool_]:
    """Where pixels have data: all bands are numbers, and not all of them are ``nodata``.

    Args:
        bands: (C, H, W).
        nodata: given nodata value, if any.

    Returns:
        (H, W).

    Examples:
        >>> bands = np.array([[[0.0, 0.0, np.nan]], [[0.0, 1.0, 1.0]]])
        >>> find_data(bands, 0).tolist()
        [[False, True, False]]
    """
    found: npt.NDArray[np.bool_] = np.all(is_number(bands), axis=0)
    if nodata is not None:
        found &= (bands != nodata).any(axis=0)
    return found
