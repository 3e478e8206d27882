"""What ``fewscape map --check`` found: as numbers for a file, and as tables for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fewscape.cli.map_inputs import warn

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table

    from fewscape.mapping.checking import MapCheck

SQUARE_METRES = 10_000
"""Of a hectare."""

ASSUMPTION = (
    "only if the polygons are a random sample of the ground of each mapped class (Olofsson et al. "
    "2014); polygons at chosen places shift these numbers"
)

WIDTH = 160
"""Columns of tables that go into a file."""


def score_check(check: MapCheck) -> dict[str, Any]:
    """Everything that a check tells, ready for JSON; None for what is unknown.

    Returns:
        ``checked_pixels``: scores of the polygons' pixels. ``whole_map``: estimates by the
        stratified estimator, None if a mapped class is shown by no polygon. Every ``..._ci95`` is
        from weighing polygons anew; every ``..._se`` is the estimator's own, which takes pixels
        for independent and is too small for polygons.
    """
    from fewscape.metrics.area_estimates import bootstrap_polygons, score_agreement

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
            "overall": _tell(scores.overall),
            "overall_ci95": _tell(bounds.overall),
            "per_class": [
                {
                    "class_name": name,
                    "iou": _tell(scores.iou[number]),
                    "iou_ci95": _tell(bounds.iou[number]),
                    "users": _tell(scores.users[number]),
                    "users_ci95": _tell(bounds.users[number]),
                    "producers": _tell(scores.producers[number]),
                    "producers_ci95": _tell(bounds.producers[number]),
                }
                for number, name in enumerate(check.class_names)
            ],
        },
        "whole_map": None if check.unseen_names or not matrix.any() else _estimate(check),
    }


def _estimate(check: MapCheck) -> dict[str, Any]:
    from fewscape.metrics.area_estimates import (
        bootstrap_polygons,
        estimate_areas,
        find_standard_errors,
    )

    matrix, mapped = check.polygons.matrix, check.mapped_areas
    if check.is_metric:
        mapped = mapped / SQUARE_METRES
    found, errors = estimate_areas(matrix, mapped), find_standard_errors(matrix, mapped)
    bounds = bootstrap_polygons(check.polygons, mapped)
    return {
        "unit": "ha" if check.is_metric else "pixels",
        "overall": _tell(found.overall),
        "overall_ci95": _tell(bounds.overall),
        "overall_se": _tell(errors.overall),
        "per_class": [
            {
                "class_name": name,
                "users": _tell(found.users[number]),
                "users_ci95": _tell(bounds.users[number]),
                "users_se": _tell(errors.users[number]),
                "producers": _tell(found.producers[number]),
                "producers_ci95": _tell(bounds.producers[number]),
                "producers_se": _tell(errors.producers[number]),
                "mapped_area": _tell(mapped[number]),
                "area": _tell(found.areas[number]),
                "area_ci95": _tell(bounds.areas[number]),
                "area_se": _tell(errors.areas[number]),
            }
            for number, name in enumerate(check.class_names)
        ],
    }


def _tell(values: float | np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
    """A number, or a pair of bounds; None for nan."""
    import numpy as np

    told = np.asarray(values, float).tolist()
    if isinstance(told, float):
        return None if math.isnan(told) else told
    return None if any(map(math.isnan, told)) else told


def tell_check(name: str, results: Mapping[str, Any]) -> None:
    """Print the tables of a map, and what they do not tell.

    Args:
        name: of the scene.
        results: of ``score_check``.
    """
    from rich.console import Console

    if results["blank_pixels"]:
        warn(f"{results['blank_pixels']} checked pixels of '{name}' have no data on the map")
    if not results["pixels"]:
        warn(f"no check polygon lies on mapped ground of '{name}'; nothing is scored")
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    print(f"{name}: {results['polygons']} check polygons, {results['pixels']} pixels")
    for table in _make_tables(results):
        console.print(table)
    for sentence in _explain(results):
        print(sentence)


def _make_tables(results: Mapping[str, Any]) -> Iterator[Table]:
    from rich.table import Table

    names, checked = results["class_names"], results["checked_pixels"]["per_class"]
    matrix = Table()
    matrix.add_column("mapped as, truly")
    for title in names:
        matrix.add_column(title, justify="right")
    for title, row in zip(names, results["confusion"], strict=True):
        matrix.add_row(title, *map(str, row))
    yield matrix
    scores = Table(title="of the checked pixels, % (95 % interval)")
    scores.add_column("class")
    for title in ("IoU", "user's accuracy", "producer's accuracy"):
        scores.add_column(title, justify="right")
    for row in checked:
        cells = (_show_share(row, key) for key in ("iou", "users", "producers"))
        scores.add_row(row["class_name"], *cells)
    scores.add_section()
    scores.add_row("all, right", _show_share(results["checked_pixels"], "overall"), "", "")
    yield scores
    whole = results["whole_map"]
    if whole is None:
        return
    areas = Table(title="estimated for the whole map (95 % interval)", caption=ASSUMPTION)
    areas.add_column("class")
    unit = whole["unit"]
    titles = ("user's accuracy, %", "producer's accuracy, %", f"mapped, {unit}", f"true, {unit}")
    for title in (*titles, "95 % interval"):
        areas.add_column(title, justify="right")
    for row in whole["per_class"]:
        bounds = row["area_ci95"]
        areas.add_row(
            row["class_name"],
            *(_show_share(row, key) for key in ("users", "producers")),
            *(_show_area(row[key], unit) for key in ("mapped_area", "area")),
            "-" if bounds is None else " to ".join(_show_area(end, unit) for end in bounds),
        )
    areas.add_section()
    areas.add_row("all, right", _show_share(whole, "overall"), "", "", "", "")
    yield areas


def _explain(results: Mapping[str, Any]) -> Iterator[str]:
    """What holds the numbers up, and what is missing."""
    unseen, whole = results["unseen_classes"], results["whole_map"]
    if unseen:
        yield (
            f"No check polygon shows {_list(unseen)}, which the map has: what is mapped wrongly "
            "there stays unseen, and areas cannot be estimated. Draw polygons of it, too."
        )
    if whole is not None and whole["overall_ci95"] is None:
        yield (
            "There is no interval (-) of the whole map where no polygon lies mostly on some "
            "mapped class."
        )


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _show_share(row: Mapping[str, Any], key: str) -> str:
    """Per cent with the interval."""
    value, bounds = row[key], row[f"{key}_ci95"]
    if value is None:
        return "-"
    told = "-" if bounds is None else " to ".join(f"{100 * end:.1f}" for end in bounds)
    return f"{100 * value:.1f} ({told})"


def _show_area(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return (
        f"{value:,.0f}"
        if unit == "pixels"
        else f"{value:,.4g}"
        if value < 1000
        else f"{value:,.0f}"
    )
