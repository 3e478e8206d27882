"""How maps grow better with every polygon, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from fewscape.benchmark.main_job.summary import YARDSTICKS
from fewscape.core import write_whole
from fewscape.evaluation.charts import COLOURS

ASIDE = 0.08
"""Polygons by which lines stand apart, so that no interval hides another."""


def draw_curves(cells: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Mean score against the number of polygons, one line a model, yardsticks dashed.

    A panel stands for each (task, form) of which more than one number of polygons is known, or
    for each if there is none.

    Args:
        cells: of ``summarise``.
        path: PNG file to write.
    """
    from matplotlib.figure import Figure

    grouped = groupby(cells, key=lambda cell: (cell["task"], cell["form"]))
    panels = {key: list(group) for key, group in grouped}
    panels = {key: own for key, own in panels.items() if len(own) > 1} or panels
    names = list(dict.fromkeys(name for cell in cells for name in cell["models"]))
    figure = Figure(figsize=(max(5.0, 4.2 * len(panels)), 4.0))
    for number, ((task, form), own) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), number + 1)
        for place, name in enumerate(names):
            aside = ASIDE * (place - (len(names) - 1) / 2)
            _draw_line(axes, own, name, COLOURS[place % len(COLOURS)], aside)
        axes.set_title(f"{task}, {form}", fontsize=10)
        axes.set_xlabel("polygons a class")
        shown = "falsely mapped" if own[0]["is_share"] else "mean IoU"
        axes.set_ylabel(f"{shown}, per cent")
        axes.set_xticks([cell["polygons"] for cell in own])
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#dddddd", lw=0.6)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    figure.legend(handles, labels, frameon=False, ncols=min(5, len(names)), loc="lower center")
    with write_whole(Path(path)) as draft:
        figure.savefig(draft, dpi=150, bbox_inches="tight", format="png")


def _draw_line(
    axes: Any,  # noqa: ANN401 - of matplotlib, untyped
    cells: Sequence[Mapping[str, Any]],
    name: str,
    colour: str,
    aside: float,
) -> None:
    known = [cell for cell in cells if name in cell["models"]]
    own = [cell["models"][name] for cell in known]
    means = [100 * each["mean"] for each in own]
    bounds = [each["ci95"] or (each["mean"], each["mean"]) for each in own]
    below = [mean - 100 * low for mean, (low, _) in zip(means, bounds, strict=True)]
    above = [100 * high - mean for mean, (_, high) in zip(means, bounds, strict=True)]
    axes.errorbar(
        [cell["polygons"] + aside for cell in known],
        means,
        yerr=[[max(0.0, value) for value in side] for side in (below, above)],
        color=colour,
        ls="--" if name in YARDSTICKS else "-",
        marker="o",
        ms=3.5,
        lw=1.4,
        elinewidth=0.6,
        capsize=2,
        label=name,
    )
