"""A comparison as tables: for the terminal, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table


def make_comparison_tables(results: Mapping[str, Any]) -> Iterator[Table]:
    """Tables of scores without intervals, to fit many networks in a terminal, and of tests."""
    models = results["models"]
    scores = Table(title="IoU, per cent")
    for title in ("data set", "class"):
        scores.add_column(title)
    for name in models:
        scores.add_column(name, justify="right")
    for rows in zip(*(each["per_class"] for each in models.values()), strict=True):
        cells = _mark_best([row["iou"] for row in rows], "[bold]{}[/bold]")
        scores.add_row(rows[0]["dataset"], rows[0]["class_name"], *cells)
    scores.add_section()
    for parts in zip(*(each.get("folds", ()) for each in models.values()), strict=True):
        cells = _mark_best([part["miou"] for part in parts], "[bold]{}[/bold]")
        scores.add_row("", f"mIoU of fold {parts[0]['fold']}", *cells)
    for key, title in (("miou", "mIoU"), ("fb_iou", "FB-IoU")):
        cells = _mark_best([each[key] for each in models.values()], "[bold]{}[/bold]")
        scores.add_row("", title, *cells)
    yield scores
    if results["pairs"]:
        yield _make_pairs(results["pairs"])


def _make_pairs(pairs: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="differences of mIoU on the same episodes")
    table.add_column("pair")
    for title in ("difference, 95 % interval", "p, Holm"):
        table.add_column(title, justify="right")
    for pair in pairs:
        told = _cell(pair["difference"], pair["ci95"], signed=True)
        table.add_row(f"{pair['first']} - {pair['second']}", told, _p_value(pair["p_holm"]))
    return table


def write_markdown(results: Mapping[str, Any]) -> str:
    """Write tables of classes and pairs, in percent with 95 % intervals."""
    models = results["models"]
    lines = [
        "| data set | class | " + " | ".join(models) + " |",
        "|---|---" + "|---" * len(models) + "|",
    ]
    for rows in zip(*(each["per_class"] for each in models.values()), strict=True):
        cells = [_cell(row["iou"], row["ci95"]) for row in rows]
        best = _find_best([row["iou"] for row in rows])
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
        ends = f"{_p_value(pair['p'])} | {_p_value(pair['p_holm'])}"
        lines.append(f"| {pair['first']} - {pair['second']} | {difference} | {ends} |")
    return "\n".join(lines) + "\n"


def write_csv(results: Mapping[str, Any]) -> str:
    """Write a row for every network and class, as shares in [0, 1]."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["model", "dataset", "class", "iou", "low", "high", "episodes"])
    for name, each in results["models"].items():
        for row in each["per_class"]:
            place = (name, row["dataset"], row["class_name"])
            writer.writerow([*place, row["iou"], *row["ci95"], row["episodes"]])
    return file.getvalue()


def _p_value(value: float | None) -> str:
    return "-" if value is None else f"{value:.2g}"


def _mark_best(scores: Sequence[float | None], mark: str) -> list[str]:
    """Format cells without intervals and mark the largest."""
    cells = [_cell(score, None) for score in scores]
    best = _find_best(scores)
    cells[best] = mark.format(cells[best])
    return cells


def _find_best(scores: Sequence[float | None]) -> int:
    return max(range(len(scores)), key=lambda index: scores[index] or 0)


def _cell(score: float | None, bounds: Sequence[float | None] | None, signed: bool = False) -> str:
    if score is None:
        return "-"
    form = "{:+.1f}" if signed else "{:.1f}"
    told = form.format(100 * score)
    if bounds is None or any(bound is None for bound in bounds):
        return told
    low, high = (form.format(100 * bound) for bound in bounds if bound is not None)
    return f"{told} ({low} to {high})"
