"""Networks side by side: scores, paired tests, and files for people."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from fewscape.datasets import Manifest
from fewscape.evaluation.counting import Counted, join_counted
from fewscape.evaluation.evaluate import score_counts
from fewscape.evaluation.paired import adjust_holm, compare_pair


def compare_counts(manifest: Manifest, counted: Counted) -> dict[str, Any]:
    """Scores of every network, and a paired test of every pair of them.

    Returns:
        ``models``: by name what ``evaluate`` gives of scores; ``pairs``: for each pair
        ``first``, ``second``, ``difference`` of mIoU, ``ci95``, ``p`` and ``p_holm``, which is
        adjusted for the number of pairs.
    """
    clusters = [episode.query.image for episode in manifest]
    return {
        "models": {name: score_counts(manifest, each) for name, each in counted.counts.items()},
        "pairs": compare_pairs(counted, clusters),
    }


def compare_folds(parts: Mapping[int, tuple[Manifest, Counted]]) -> dict[str, Any]:
    """``compare_counts`` of all folds together; each network has its score of each fold too.

    Args:
        parts: by the number of the fold.

    Returns:
        As ``compare_counts``; ``models`` have ``folds`` beside: ``fold``, ``miou``, ``miou_ci95``
        and ``fb_iou`` of each.
    """
    results = compare_counts(*join_counted(list(parts.values())))
    for name, scores in results["models"].items():
        scores["folds"] = []
        for fold, (manifest, counted) in parts.items():
            own = score_counts(manifest, counted.counts[name])
            kept = {key: own[key] for key in ("miou", "miou_ci95", "fb_iou")}
            scores["folds"].append({"fold": fold, **kept})
    return results


def compare_pairs(counted: Counted, clusters: Sequence[str]) -> list[dict[str, Any]]:
    """The paired tests alone; ``clusters`` are the episodes' query images."""
    foreground = {}
    for name, counts in counted.counts.items():
        foreground[name] = (counts.intersection[:, 1].numpy(), counts.union[:, 1].numpy())
    pairs: list[dict[str, Any]] = []
    for first, second in itertools.combinations(foreground, 2):
        test = compare_pair(foreground[first], foreground[second], counts.group.numpy(), clusters)
        pairs.append(
            {
                "first": first,
                "second": second,
                "difference": test.difference,
                "ci95": list(test.ci95),
                "p": test.p_value,
            }
        )
    adjusted = adjust_holm([pair["p"] for pair in pairs])
    return [pair | {"p_holm": value} for pair, value in zip(pairs, adjusted, strict=True)]


def write_markdown(results: Mapping[str, Any]) -> str:
    """Tables of the classes and of the pairs, in per cent with 95 % intervals."""
    models = results["models"]
    lines = [
        "| data set | class | " + " | ".join(models) + " |",
        "|---|---" + "|---" * len(models) + "|",
    ]
    for rows in zip(*(each["per_class"] for each in models.values()), strict=True):
        cells = [_cell(row["iou"], row["ci95"]) for row in rows]
        best = max(range(len(rows)), key=lambda index: rows[index]["iou"] or 0)
        cells[best] = f"**{cells[best]}**"
        lines.append("| " + " | ".join([rows[0]["dataset"], rows[0]["class_name"], *cells]) + " |")
    for scores in zip(*(each.get("folds", ()) for each in models.values()), strict=True):
        cells = [_cell(each["miou"], each["miou_ci95"]) for each in scores]
        lines.append(f"| | mIoU of fold {scores[0]['fold']} | " + " | ".join(cells) + " |")
    for key, title in (("miou", "mIoU"), ("fb_iou", "FB-IoU")):
        cells = [_cell(each[key], each.get(f"{key}_ci95")) for each in models.values()]
        lines.append(f"| | {title} | " + " | ".join(cells) + " |")
    if results["pairs"]:
        lines += ["", "| pair | difference of mIoU | p | p, Holm |", "|---|---|---|---|"]
    for pair in results["pairs"]:
        difference = _cell(pair["difference"], pair["ci95"], signed=True)
        ends = f"{pair['p']:.2g} | {pair['p_holm']:.2g}"
        lines.append(f"| {pair['first']} - {pair['second']} | {difference} | {ends} |")
    return "\n".join(lines) + "\n"


def write_csv(results: Mapping[str, Any]) -> str:
    """A row for every network and class; shares, not per cent."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["model", "dataset", "class", "iou", "low", "high", "episodes"])
    for name, each in results["models"].items():
        for row in each["per_class"]:
            place = (name, row["dataset"], row["class_name"])
            writer.writerow([*place, row["iou"], *row["ci95"], row["episodes"]])
    return file.getvalue()


def _cell(score: float | None, bounds: Sequence[float | None] | None, signed: bool = False) -> str:
    if score is None:
        return "-"
    form = "{:+.1f}" if signed else "{:.1f}"
    told = form.format(100 * score)
    if bounds is None or any(bound is None for bound in bounds):
        return told
    low, high = (form.format(100 * bound) for bound in bounds if bound is not None)
    return f"{told} ({low} to {high})"
