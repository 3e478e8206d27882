"""Chart of a confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fewscape.core import write_whole


def draw_confusion(results: Mapping[str, Any], names: Sequence[str], path: Path) -> None:
    """Draw the confusion matrix with the truth in rows, in percent of each row.

    Args:
        results: results of ``evaluate_pair``.
        names: class names.
        path: PNG file to write.
    """
    from matplotlib.figure import Figure

    counts = np.array(results["confusion"], np.float64)
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.4 + 0.55 * len(names)
    figure = Figure(figsize=(side + 1, side))
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for row, col in np.ndindex(*shares.shape):
        colour = "white" if shares[row, col] > 55 else "#333333"
        axes.text(col, row, f"{shares[row, col]:.0f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("mapped as")
    axes.set_ylabel("truth, % of its pixels")
    axes.set_title(
        f"{results['pair']}: OA {100 * results['oa']:.1f}, AA {100 * results['aa']:.1f}, "
        f"kappa {results['kappa']:.2f}",
        fontsize=10,
    )
    with write_whole(Path(path)) as draft:
        figure.savefig(draft, dpi=120, bbox_inches="tight", format="png")
