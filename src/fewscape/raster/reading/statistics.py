"""Band statistics of scenes, and whether two scenes differ in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fewscape.raster.reading.scaling import HIGH, LOW, find_limits

DRIFT = 2.0
"""Ratio of ranges from which scenes count as different."""

APART = 0.5
"""Distance of medians, as a share of the wider range, from which scenes count as different."""

USUAL_MARKS = frozenset(
    sign * mark
    for sign in (1, -1)
    for mark in (9999.0, 99999.0, 999.0, 32767.0, 32768.0, 65535.0, 1e20, 2147483647.0)
)
"""Values that programs commonly write as nodata."""

LEAST_SHARE = 1e-3
"""Share of pixels with such a value from which a warning is given."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ValueRanges:
    """The value range of each band; all arrays are (C,)."""

    low: Numbers
    """2nd percentile."""
    median: Numbers
    high: Numbers
    """98th percentile."""

    @classmethod
    def measure(cls, values: npt.NDArray[Any]) -> ValueRanges:
        """Measure a sample (C, N), N at least 1."""
        return cls(*find_limits(values, LOW, 50, HIGH))

    @classmethod
    def decode(cls, told: Mapping[str, Sequence[float]]) -> ValueRanges:
        """Decode the output of ``encode``."""
        return cls(*(np.array(told[name], np.float64) for name in ("low", "median", "high")))

    def encode(self) -> dict[str, list[float]]:
        """Encode as plain data."""
        return {name: getattr(self, name).round(4).tolist() for name in ("low", "median", "high")}

    def rescale(self, low: npt.NDArray[Any], high: npt.NDArray[Any]) -> ValueRanges:
        """Rescale so that ``low`` (C,) becomes 0 and ``high`` (C,) 1."""
        span = np.maximum(high - low, np.finfo(np.float32).tiny)
        return ValueRanges(*((own - low) / span for own in (self.low, self.median, self.high)))


@dataclass(frozen=True, slots=True)
class BandStatistics:
    """Statistics of each band, from a sample of valid pixels."""

    ranges: ValueRanges
    is_constant: npt.NDArray[np.bool_]
    """(C,) whether the sample has a single value."""
    is_empty: npt.NDArray[np.bool_]
    """(C,) whether the band's own mask marks the whole sample as nodata."""
    suspects: tuple[tuple[int, float, float], ...] = ()
    """Values that often mean nodata: index of the band, value, share of pixels."""

    @classmethod
    def measure(cls, values: npt.NDArray[Any], has_data: npt.NDArray[np.bool_]) -> BandStatistics:
        """Measure a sample.

        Args:
            values: (C, N) values of valid pixels, N at least 1.
            has_data: (C,) whether the band's own mask shows any data.
        """
        is_constant = values.min(axis=1) == values.max(axis=1)
        return cls(ValueRanges.measure(values), is_constant, ~has_data, _suspect(values))


def find_faults(names: Sequence[str], statistics: BandStatistics) -> list[str]:
    """Messages about bands that are constant, empty or seem to hold nodata values.

    Args:
        names: band names, (C,).
        statistics: statistics of these bands.
    """
    faults = []
    for band, name in enumerate(names):
        if statistics.is_empty[band]:
            faults.append(f"{name} holds no data")
        elif statistics.is_constant[band]:
            faults.append(f"{name} has the value {statistics.ranges.median[band]:.5g} everywhere")
    for band, value, share in statistics.suspects:
        faults.append(
            f"{names[band]} has the value {value:.8g} in {share:.1%} of its pixels, which often "
            f"means nodata: use --nodata {value:.8g} if it does"
        )
    return sorted(set(faults))


def _suspect(values: npt.NDArray[Any]) -> tuple[tuple[int, float, float], ...]:
    """Minimum or maximum of a band in a sample (C, N) that is a common nodata value."""
    found = []
    for band, own in enumerate(values):
        for value, others in ((own.min(), own[own > own.min()]), (own.max(), own[own < own.max()])):
            share = 1 - len(others) / len(own)
            if float(value) not in USUAL_MARKS or share < LEAST_SHARE or not len(others):
                continue
            low, high = find_limits(others)
            gap = min(abs(float(value) - float(edge)) for edge in (others.min(), others.max()))
            if gap > (high - low) / 2:
                found.append((band, float(value), share))
    return tuple(found)


def find_drift(
    names: Sequence[str], scene: ValueRanges, known: ValueRanges, whose: str
) -> list[str]:
    """Messages about bands whose values differ from those of known images.

    They differ if one range (2nd to 98th percentile) is more than twice as wide as the other, or if
    the medians are farther apart than half of the wider range.

    Args:
        names: band names, (C,).
        scene: ranges of the scene to map.
        known: ranges of the images learned from.
        whose: words for those images.
    """
    sentences = []
    for band, name in enumerate(names):
        ours, theirs = (float(ranges.high[band] - ranges.low[band]) for ranges in (scene, known))
        wider, narrower = max(ours, theirs), min(ours, theirs)
        apart = abs(float(scene.median[band] - known.median[band]))
        if wider > DRIFT * narrower or apart > APART * wider:
            sentences.append(
                f"{name} has values around {_format_range(scene, band)}, {whose} around "
                f"{_format_range(known, band)}"
            )
    return list(dict.fromkeys(sentences))


def _format_range(ranges: ValueRanges, band: int) -> str:
    """Median and range."""
    median, low, high = (
        float(numbers[band]) for numbers in (ranges.median, ranges.low, ranges.high)
    )
    return f"{median:.4g} ({low:.4g} to {high:.4g})"
