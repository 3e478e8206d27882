"""The scores of a map's check, ready for JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fewscape.mapping.checking import MapCheck
from fewscape.metrics.area_estimates import (
    bootstrap_polygons,
    estimate_areas,
    find_standard_errors,
    score_agreement,
)

SQUARE_METRES = 10_000
"""Of a hectare."""


def score_check(check: MapCheck) -> dict[str, Any]:
    """Score a check; unknown values are None.

    Returns:
        ``checked_pixels``: scores of the polygons' pixels. ``whole_map``: stratified estimates,
        None if no polygon shows one of the mapped classes. Every ``..._ci95`` comes from a
        bootstrap over polygons; every ``..._se`` is the estimator's own, which assumes independent
        pixels and is too small for polygons.
    """
    matrix = check.polygons.matrix
    scores, bounds = score_agreement(matrix), bootstrap_polygons(check.polygons)
    return {
        "class_names": list(check.class_names),
        "polygons": len(check.polygons.classes),
        "pixels": int(matrix.sum()),
        "blank_pixels": check.blank_pixels,
        "unseen_classes": list(check.unseen_names),
        "confusion": matrix.tolist(),
        "checked_pixels": {
            "overall": _to_plain(scores.overall),
            "overall_ci95": _to_plain(bounds.overall),
            "per_class": [
                {
                    "class_name": name,
                    "iou": _to_plain(scores.iou[number]),
                    "iou_ci95": _to_plain(bounds.iou[number]),
                    "users": _to_plain(scores.users[number]),
                    "users_ci95": _to_plain(bounds.users[number]),
                    "producers": _to_plain(scores.producers[number]),
                    "producers_ci95": _to_plain(bounds.producers[number]),
                }
                for number, name in enumerate(check.class_names)
            ],
        },
        "whole_map": None if check.unseen_names or not matrix.any() else _estimate(check),
    }


def _estimate(check: MapCheck) -> dict[str, Any]:
    matrix, mapped = check.polygons.matrix, check.mapped_areas
    if check.is_metric:
        mapped = mapped / SQUARE_METRES
    found, errors = estimate_areas(matrix, mapped), find_standard_errors(matrix, mapped)
    bounds = bootstrap_polygons(check.polygons, mapped)
    return {
        "unit": "ha" if check.is_metric else "pixels",
        "overall": _to_plain(found.overall),
        "overall_ci95": _to_plain(bounds.overall),
        "overall_se": _to_plain(errors.overall),
        "per_class": [
            {
                "class_name": name,
                "users": _to_plain(found.users[number]),
                "users_ci95": _to_plain(bounds.users[number]),
                "users_se": _to_plain(errors.users[number]),
                "producers": _to_plain(found.producers[number]),
                "producers_ci95": _to_plain(bounds.producers[number]),
                "producers_se": _to_plain(errors.producers[number]),
                "mapped_area": _to_plain(mapped[number]),
                "area": _to_plain(found.areas[number]),
                "area_ci95": _to_plain(bounds.areas[number]),
                "area_se": _to_plain(errors.areas[number]),
            }
            for number, name in enumerate(check.class_names)
        ],
    }


def _to_plain(values: float | np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
    """A number, or a pair of bounds; None for nan."""
    told = np.asarray(values, float).tolist()
    if isinstance(told, float):
        return None if math.isnan(told) else told
    return None if any(map(math.isnan, told)) else told
