"""Warnings about a finished map: classes that are nowhere or nearly everywhere."""

from __future__ import annotations

import math

from fewscape.mapping.output.assembly import FinishedMap
from fewscape.mapping.plan import MapPlan

NEARLY_ALL = 0.98
"""Share of the valid pixels above which a class is suspicious."""


def list_warnings(plan: MapPlan, result: FinishedMap) -> list[str]:
    """A warning for each class that is empty or covers nearly everything."""
    warnings = []
    for name, pixels in result.class_pixels.items():
        peak = result.class_peaks.get(name)
        if not pixels:
            told = "" if peak is None else f"; its largest probability is {peak:.2f}"
            warnings.append(
                f"no pixel of '{plan.scene_name}' was mapped as '{name}'{told}; "
                f"{_mend_empty(plan, peak)}"
            )
        elif pixels > NEARLY_ALL * result.valid_pixels:
            told = "" if peak is None else f" with probabilities up to {peak:.2f}"
            warnings.append(
                f"'{name}' covers {pixels / result.valid_pixels:.1%} of the valid pixels of "
                f"'{plan.scene_name}'{told}; {_mend_full(plan)}"
            )
    return warnings


def _mend_empty(plan: MapPlan, peak: float | None) -> str:
    threshold = plan.settings.get("threshold")
    if "EXAMPLES" not in plan.tags:
        return _compare_with_training()
    ways = ["draw more polygons of it"]
    lower = 0.0 if peak is None else math.floor(100 * peak) / 100
    if threshold is not None and 0 < lower < threshold:
        ways.insert(0, f"map with --threshold {lower:g} or less")
    if plan.outputs.min_area:
        ways.append("lower --min_area")
    return "if it is there, " + _join(ways)


def _mend_full(plan: MapPlan) -> str:
    if "EXAMPLES" not in plan.tags:
        return _compare_with_training()
    ways = ["draw other ground, as 'background' or as other classes"]
    if plan.settings.get("threshold") is not None:
        ways.append("raise --threshold")
    return "if this is too much, " + _join(ways)


def _compare_with_training() -> str:
    return (
        "if this is wrong, compare bands, --scale and pixel size with those of the training images"
    )


def _join(ways: list[str]) -> str:
    return ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])}, or {ways[-1]}"
