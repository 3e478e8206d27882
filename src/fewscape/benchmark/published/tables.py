"""The tables of a benchmark's report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fewscape.benchmark.published.published_rows import describe_sources, find_published

UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table of text cells.

    Attributes:
        title: title of the table.
        header: column headers; the first ``num_labels`` are text, the others numbers.
        rows: rows as long as the header.
        quoted: number of published rows at the end.
        notes: lines below the table.
        num_labels: number of text columns.
        num_brief: number of columns that fit a terminal.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    quoted: int = 0
    notes: tuple[str, ...] = ()
    num_labels: int = 1
    num_brief: int | None = None


def make_benchmark_tables(report: Mapping[str, Any]) -> Iterator[Table]:
    """Make tables of scores, classes and tests for every number of shots, then of costs.

    Args:
        report: content of ``report.json``.
    """
    for shots, results in report["shots"].items():
        yield _show_scores(report["protocol"], int(shots), results)
        yield _show_classes(int(shots), results["models"])
        if results["pairs"]:
            yield _show_pairs(int(shots), results["pairs"])
    yield _show_costs(report["costs"])


def _show_scores(protocol: str, shots: int, results: Mapping[str, Any]) -> Table:
    models = results["models"]
    folds = [each["fold"] for each in next(iter(models.values()))["folds"]]
    rows = [
        (
            name,
            *(percent(fold["miou"]) for fold in each["folds"]),
            percent(each["miou"]),
            interval(each["miou_ci95"]),
            interval(each["runs_ci95"]),
            percent(each["fb_iou"]),
            str(len(each["seeds"])),
        )
        for name, each in models.items()
    ]
    published = find_published(protocol, shots)
    for row in published:
        known = dict(enumerate(row.folds or ()))
        rows.append(
            (
                f"{row.method}, {row.backbone}" + (" *" if row.note else ""),
                *(f"{known[fold]:.2f}" if fold in known else UNKNOWN for fold in folds),
                f"{row.mean:.2f}",
                *[UNKNOWN] * 4,
            )
        )
    notes = (
        "95 % over scenes: bootstrap over the source scenes of the queries, the variation with "
        "other images. 95 % over runs: Student's t over seeds, the variation with other "
        "training runs.",
        *_note_published(published),
    )
    header = (
        "network",
        *(f"fold {fold}" for fold in folds),
        "mean",
        "95 % over scenes",
        "95 % over runs",
        "FB-IoU",
        "trainings",
    )
    title = f"mIoU in per cent, {shots}-shot"
    brief = len(folds) + 3
    return Table(title, header, tuple(rows), len(published), notes, num_brief=brief)


def _note_published(published: Sequence[Any]) -> Iterator[str]:
    if not published:
        yield "No published row of this protocol and number of shots is known with certainty."
        return
    sources = describe_sources()
    for name in dict.fromkeys(row.source for row in published):
        yield f"Published: {name} ({sources[name]})."
    yield (
        "Published networks were selected by their score on the tested classes; compare them with "
        "'--selection paper'."
    )
    for note in dict.fromkeys(row.note for row in published if row.note):
        owners = [f"{row.method}, {row.backbone}" for row in published if row.note == note]
        yield f"* {'; '.join(owners)}: {note}."


def _show_classes(shots: int, models: Mapping[str, Any]) -> Table:
    rows = []
    for each in zip(*(model["classes"] for model in models.values()), strict=True):
        first = each[0]
        cells = (_cell(one["iou"], one["ci95"]) for one in each)
        rows.append((first["class_name"], str(first["fold"]), str(first["episodes"]), *cells))
    header = ("class", "fold", "episodes", *models)
    title = f"IoU of the classes in per cent, {shots}-shot"
    return Table(title, header, tuple(rows))


def _show_pairs(shots: int, pairs: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        (
            f"{pair['first']} - {pair['second']}",
            _cell(pair["difference"], pair["ci95"], signed=True),
            p_value(pair["p_holm"]),
            p_value(pair["t_p_holm"]),
            str(pair["t_runs"]),
            UNKNOWN if pair["power"] is None else f"{pair['power']:.2f}",
            UNKNOWN if pair["detectable"] is None else f"{100 * pair['detectable']:.1f}",
        )
        for pair in pairs
    ]
    header = (
        "pair",
        "difference",
        "p of scenes",
        "p of trainings",
        "trainings",
        "power for 1 point",
        "detectable at 80 %",
    )
    notes = (
        "p over scenes: paired bootstrap over the source scenes of the queries, for the given "
        "training runs. p over runs: paired t-test over folds and seeds. Both are adjusted for "
        "the number of pairs (Holm).",
        "Power: probability that the t-test detects a true difference of one point, and the "
        "difference that it detects with probability 80 %, given this variation between runs.",
    )
    title = f"Differences of mIoU in points, {shots}-shot"
    return Table(title, header, tuple(rows), notes=notes, num_brief=4)


def _show_costs(costs: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        (
            name,
            f"{each['learnable'] / 1e6:.2f} M",
            f"{each['parameters'] / 1e6:.2f} M",
            duration(each["train_seconds"]),
            f"{1000 * each['forward_seconds']:.1f} ms",
            f"{each['device']}, {each['precision']}",
        )
        for name, each in costs.items()
    ]
    header = ("network", "learnt", "parameters", "training", "episode", "device")
    note = (
        "Trainable and total parameters; mean training time; median time of one 1-way episode "
        "with batch size 1, from pixels to logits."
    )
    return Table("Costs", header, tuple(rows), notes=(note,))


def percent(score: float | None, signed: bool = False) -> str:
    """Format a share as percent with two decimals, as in the papers."""
    if score is None:
        return UNKNOWN
    return f"{100 * score:+.2f}" if signed else f"{100 * score:.2f}"


def interval(bounds: Sequence[float] | None) -> str:
    """Format two bounds in percent."""
    return UNKNOWN if bounds is None else " to ".join(f"{100 * bound:.1f}" for bound in bounds)


def p_value(value: float | None) -> str:
    """Format a p value with two digits."""
    return UNKNOWN if value is None else f"{value:.2g}"


def duration(seconds: float) -> str:
    """Format a duration as hours and minutes, or less."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _cell(score: float | None, bounds: Sequence[float] | None, signed: bool = False) -> str:
    told = percent(score, signed)
    if bounds is None or score is None:
        return told
    low, high = (f"{100 * bound:+.1f}" if signed else f"{100 * bound:.1f}" for bound in bounds)
    return f"{told} ({low} to {high})"
