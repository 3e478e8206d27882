"""The result of a map's check, as printed tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fewscape.cli.map_report import warn

if TYPE_CHECKING:
    from rich.table import Table

ASSUMPTION = (
    "valid only if the polygons are a random sample of each mapped class (Olofsson et al. "
    "2014); hand-picked places bias these numbers"
)

WIDTH = 160
"""Width of tables that go into a file, in columns."""


def print_check(name: str, results: Mapping[str, Any]) -> None:
    """Print the tables of a map and their limits.

    Args:
        name: name of the scene.
        results: what ``score_check`` returned.
    """
    from rich.console import Console

    if results["blank_pixels"]:
        warn(f"{results['blank_pixels']} checked pixels of '{name}' are nodata on the map")
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
    """State the basis of the numbers and what is missing."""
    unseen, whole = results["unseen_classes"], results["whole_map"]
    if unseen:
        yield (
            f"No check polygon shows {_list(unseen)}, which is on the map: errors there go "
            "unseen, and areas cannot be estimated. Draw check polygons of it."
        )
    if whole is not None and whole["overall_ci95"] is None:
        yield (
            "Whole-map intervals are missing (-) where no polygon lies mostly on a mapped class."
        )


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _show_share(row: Mapping[str, Any], key: str) -> str:
    """Percentage with its interval."""
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
