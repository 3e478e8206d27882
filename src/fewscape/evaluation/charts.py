"""Bar chart of class scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fewscape.core import write_whole

COLOURS = ("#4c6a92", "#e4572e", "#2f9c95", "#f2b134", "#8e5ea2", "#7a8b99", "#b4436c", "#5b8e3e")
WIDTH = 0.8
"""Share of a class's width that its bars fill."""


def draw_bars(results: Mapping[str, Any], path: Path) -> None:
    """Draw the IoU of each class by network with 95 % intervals, the means last.

    Args:
        results: of ``compare_counts``.
        path: PNG file to write.
    """
    from matplotlib.figure import Figure

    models = results["models"]
    titles = _titles(next(iter(models.values())))
    figure = Figure(figsize=(max(6.4, 0.5 + 0.22 * len(titles) * (len(models) + 1)), 4.2))
    axes = figure.subplots()
    places = np.arange(len(titles))
    for number, (name, each) in enumerate(models.items()):
        rows = [*each["per_class"], {"iou": each["miou"], "ci95": each["miou_ci95"]}]
        heights = 100 * np.array([row["iou"] or 0 for row in rows], np.float64)
        bounds = 100 * np.array([row["ci95"] for row in rows], np.float64).T  # no bar for None
        axes.bar(
            places + WIDTH * ((number + 0.5) / len(models) - 0.5),
            heights,
            WIDTH / len(models),
            yerr=np.abs(bounds - heights),
            color=COLOURS[number % len(COLOURS)],
            error_kw={"lw": 0.8, "ecolor": "#333333"},
            label=name,
        )
    axes.set_xticks(places, titles, rotation=40, ha="right", fontsize=8)
    axes.set_ylabel("IoU, per cent")
    axes.axvline(len(titles) - 1.5, color="#999999", lw=0.8)
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=min(len(models), 6), loc="lower left", bbox_to_anchor=(0, 1))
    with write_whole(Path(path)) as draft:
        figure.savefig(draft, dpi=150, bbox_inches="tight", format="png")


def _titles(scores: Mapping[str, Any]) -> list[str]:
    rows = scores["per_class"]
    return [*(f"{row['class_name']}\n{row['dataset']}" for row in rows), "mIoU"]
