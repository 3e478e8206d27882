"""The main job's summary as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

Cell = Mapping[str, Any]


def make_means_table(cells: Sequence[Cell]) -> list[str]:
    """Lines of a table a (task, form): models against numbers of polygons, in percent.

    Args:
        cells: of ``summarise``.
    """
    lines: list[str] = []
    for (task, form), group in _by_task(cells):
        what = "falsely mapped, % (less is better)" if group[0]["is_share"] else "mean IoU, %"
        names = _names(group)
        lines += [f"**{task}**, {form}: {what}", ""]
        head = [f"{cell['polygons']} a class" for cell in group]
        lines += _table(
            ["model", *head, "s a map"],
            [
                [name, *(_tell_mean(cell, name) for cell in group), _tell_seconds(group, name)]
                for name in names
            ],
        )
    return lines


def make_tests_table(cells: Sequence[Cell]) -> list[str]:
    """Lines of one table: every model less the best yardstick."""
    rows = []
    for cell in cells:
        for name, test in cell["tests"].items():
            ends = sorted(test["sets"].items(), key=lambda item: item[1])
            dataset, worst = ends[-1] if cell["is_share"] else ends[0]
            rows.append(
                [
                    f"{cell['task']}, {cell['form']}, {cell['polygons']}",
                    name,
                    cell["yardstick"],
                    f"{_signed(test['difference'])}{_tell_interval(test['ci95'])}",
                    _tell_p(test["p_holm"]),
                    f"{test['wins']} : {test['losses']}",
                    f"{dataset} {_signed(worst)}",
                ]
            )
    head = ["task, form, polygons", "model", "best yardstick", "difference [95 %]"]
    return _table([*head, "p (Holm)", "scenes won : lost", "worst set"], rows)


def make_sets_table(cells: Sequence[Cell]) -> list[str]:
    """Lines of a table a cell: models against data sets, in percent."""
    lines: list[str] = []
    for cell in cells:
        sets = list(cell["sets"])
        lines += [f"**{cell['task']}**, {cell['form']}, {cell['polygons']} a class", ""]
        rows = [
            [name, *(_percent(cell["sets"][dataset].get(name)) for dataset in sets)]
            for name in cell["models"]
        ]
        lines += _table(["model", *sets], rows)
    return lines


def _by_task(cells: Iterable[Cell]) -> list[tuple[tuple[str, str], list[Cell]]]:
    grouped = groupby(cells, key=lambda cell: (cell["task"], cell["form"]))
    return [(key, list(group)) for key, group in grouped]


def _names(cells: Iterable[Cell]) -> list[str]:
    return list(dict.fromkeys(name for cell in cells for name in cell["models"]))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return [*(f"| {' | '.join(row)} |" for row in (head, ruler, *rows)), ""]


def _tell_mean(cell: Cell, name: str) -> str:
    found = cell["models"].get(name)
    if found is None:
        return "-"
    text = f"{_percent(found['mean'])}{_tell_interval(found['ci95'])}"
    if name == cell["yardstick"]:
        text = f"*{text}*"
    return text if found["is_complete"] else f"{text} ({found['scenes']} scenes)"


def _tell_seconds(cells: Iterable[Cell], name: str) -> str:
    own = [cell["models"][name]["seconds_per_map"] for cell in cells if name in cell["models"]]
    return f"{sum(own) / len(own):.1f}"


def _tell_interval(bounds: Sequence[float] | None) -> str:
    return "" if bounds is None else f" [{', '.join(map(_percent, bounds))}]"


def _tell_p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}"
