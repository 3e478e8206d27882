"""A benchmark's report as Markdown, HTML, LaTeX and CSV."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from fewscape.benchmark.published.tables import Table, make_benchmark_tables, percent

STYLE = "benchmark_page.css"
LATEX_SIGNS = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"±": r"$\pm$"})


def write_report_markdown(report: Mapping[str, Any]) -> str:
    """Write all tables as Markdown."""
    lines = [f"# {_title(report)}", "", *(f"* {fact}" for fact in _facts(report)), ""]
    for table in make_benchmark_tables(report):
        own = len(table.rows) - table.quoted
        lines += [f"## {table.title}", "", _markdown_row(table.header)]
        numbers = len(table.header) - table.num_labels
        lines.append("|" + "---|" * table.num_labels + "---:|" * numbers)
        lines += [_markdown_row(row) for row in table.rows[:own]]
        lines += [_markdown_row([f"*{cell}*" for cell in row]) for row in table.rows[own:]]
        lines += ["", *(f"{note}\n" for note in table.notes)]
    return "\n".join(lines)


def write_report_html(report: Mapping[str, Any]) -> str:
    """Write a self-contained HTML page."""
    style = (resources.files(__package__) / STYLE).read_text("utf-8")
    title = html.escape(_title(report))
    warnings = "".join(f'<p class="warning">{html.escape(each)}</p>' for each in report["warnings"])
    facts = "".join(f"<li>{html.escape(fact)}</li>" for fact in _facts(report)[1:])
    body = "\n".join(_html_table(table) for table in make_benchmark_tables(report))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>\n{style}</style></head>\n'
        f"<body><h1>{title}</h1>\n<p>{html.escape(report['note'])}</p>\n{warnings}\n"
        f"<ul>{facts}</ul>\n{body}\n</body></html>\n"
    )


def write_report_latex(report: Mapping[str, Any]) -> str:
    """Write the scores as a ``booktabs`` table: folds and mean for every number of shots."""
    shots = report["shots"]
    first = next(iter(shots.values()))["models"]
    folds = [each["fold"] for each in next(iter(first.values()))["folds"]]
    width = len(folds) + 1
    heads = [rf"\multicolumn{{{width}}}{{c}}{{{number}-shot}}" for number in shots]
    names = [f"F{fold}" for fold in folds] + ["mean"]
    rules = "".join(
        rf"\cmidrule(lr){{{2 + at * width}-{1 + (at + 1) * width}}}" for at in range(len(shots))
    )
    lines = [
        *(f"% {fact}" for fact in _facts(report)),
        rf"\begin{{tabular}}{{l{'r' * width * len(shots)}}}",
        r"\toprule",
        " & ".join(["", *heads]) + r" \\",
        rules,
        " & ".join(["network", *names * len(shots)]) + r" \\",
        r"\midrule",
    ]
    for name in first:
        cells = [name.translate(LATEX_SIGNS)]
        for results in shots.values():
            each = results["models"][name]
            cells += [percent(fold["miou"]) for fold in each["folds"]] + [percent(each["miou"])]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def write_report_csv(report: Mapping[str, Any]) -> str:
    """Write a row for every network, number of shots, fold, class and seed, as shares in [0, 1]."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    head = ["protocol", "selection", "network", "shots"]
    writer.writerow([*head, "what", "fold", "name", "score", "low", "high"])
    for shots, results in report["shots"].items():
        for name, each in results["models"].items():
            start = (report["protocol"], report["selection"], name, shots)
            writer.writerow([*start, "mean", "", "", each["miou"], *_bounds(each["miou_ci95"])])
            for seed, score in enumerate(each["seeds"]):
                writer.writerow([*start, "seed", "", seed, score, "", ""])
            for fold in each["folds"]:
                row = [fold["fold"], "", fold["miou"], *_bounds(fold["miou_ci95"])]
                writer.writerow([*start, "fold", *row])
                for seed, score in enumerate(fold["seeds"]):
                    writer.writerow([*start, "fold and seed", fold["fold"], seed, score, "", ""])
            for own in each["classes"]:
                row = [own["fold"], own["class_name"], own["iou"], *_bounds(own["ci95"])]
                writer.writerow([*start, "class", *row])
    return file.getvalue()


def _title(report: Mapping[str, Any]) -> str:
    kind = "selected by the test score" if report["selection"] == "paper" else "held-out selection"
    return f"{report['protocol']}, {kind}"


def _facts(report: Mapping[str, Any]) -> list[str]:
    return [
        report["note"],
        *report["warnings"],
        *(f"{name}: {value}" for name, value in report["facts"].items()),
        *(f"not in this report: {name}" for name in report["missing"]),
    ]


def _bounds(bounds: Sequence[float] | None) -> Sequence[Any]:
    return ("", "") if bounds is None else bounds


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.header)
    own = len(table.rows) - table.quoted
    body = "\n".join(
        ('<tr class="quoted">' if number >= own else "<tr>")
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
        + "</tr>"
        for number, row in enumerate(table.rows)
    )
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in table.notes)
    return (
        f"<section><h2>{html.escape(table.title)}</h2>\n<div><table><thead><tr>{head}</tr></thead>\n"
        f"<tbody>{body}</tbody></table></div>\n{notes}</section>"
    )
