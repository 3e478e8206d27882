"""The report that goes with an exported map: one HTML file without anything from elsewhere."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fewscape.core import write_bytes
from fewscape.raster.writing.staging import report_write_errors
from fewscape.serve.example import write_colour
from fewscape.serve.jobs import EXAMPLES, JobReport, JobRequest

if TYPE_CHECKING:
    from fewscape.serve.desk import Desk

REPORT = "report.html"

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1c2430;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}
td,th{padding:.4rem .7rem;border-bottom:1px solid #d9dee5;text-align:left}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.c{display:inline-block;width:.9rem;height:.9rem;border-radius:.2rem;margin-right:.5rem;
vertical-align:-.1rem;border:1px solid #0003}
img{max-width:100%;border:1px solid #d9dee5}
pre{background:#f4f6f8;padding:.8rem;overflow:auto;border-radius:.4rem}
@media (prefers-color-scheme:dark){body{background:#14181d;color:#e6eaef}
td,th{border-color:#323a45}pre{background:#1e242c}}
"""


def write_report(desk: Desk, job: JobReport, request: JobRequest) -> Path:
    """Write the report of a finished map into its folder.

    Args:
        desk: of the scene that was mapped.
        job: how it went.
        request: what was asked for.

    Raises:
        OutputError: the file cannot be written.
    """
    folder = Path(job.folder)
    path = folder / REPORT
    with report_write_errors(path):
        write_bytes(path, _write_page(desk, folder, job, request).encode())
    return path


def tell_python(request: JobRequest) -> str:
    """The lines of Python that make the same map."""
    places = [request.scene, request.words[request.words.index("--examples") + 1], request.folder]
    told = [repr(place) for place in places]
    told += [f"{name}={value!r}" for name, value in request.fields.items()]
    return f"import fewscape\n\nresult = fewscape.map_scene({', '.join(told)})"


def measure_areas(desk: Desk, folder: Path) -> list[dict[str, Any]]:
    """Pixels, share and square metres of each class of a finished map."""
    import rasterio

    path = next(iter(sorted(folder.glob("*_classes.tif"))), None)
    if path is None:
        return []
    counts = np.zeros(256, np.int64)
    with rasterio.open(path) as dataset:
        for _, window in dataset.block_windows(1):
            counts += np.bincount(dataset.read(1, window=window).ravel(), minlength=256)
        tags = dataset.tags()
        names = _read_names(tags)
    total = max(1, int(counts[:255].sum()))
    metres = desk.reader.ground_resolution
    return [
        {
            "name": name,
            "pixels": int(counts[number]),
            "share": counts[number] / total,
            "square_metres": None if metres is None else float(counts[number]) * metres**2,
        }
        for number, name in enumerate(["background", *names])
        if counts[number] or number
    ]


def _read_names(tags: dict[str, str]) -> list[str]:
    import json

    told = json.loads(tags.get("CLASSES", "[]"))
    return [str(name) for name in (told.values() if isinstance(told, dict) else told)]


def _write_page(desk: Desk, folder: Path, job: JobReport, request: JobRequest) -> str:
    colours = {known.name: write_colour(known.colour) for known in desk.drawing.now.classes}
    preview = next(iter(sorted(folder.glob("*_preview.png"))), None)
    picture = ""
    if preview is not None:
        data = base64.b64encode(preview.read_bytes()).decode()
        picture = f'<img alt="The scene beside its map" src="data:image/png;base64,{data}">'
    areas = measure_areas(desk, folder)
    accuracy = {one["name"]: one for one in (desk.encode_accuracy() or {}).get("classes", [])}
    rows = [
        [
            f'<span class="c" style="background:{colours.get(one["name"], "#ccc")}"></span>'
            + html.escape(one["name"]),
            f"{one['share']:.1%}",
            "" if one["square_metres"] is None else _tell_area(one["square_metres"]),
            _tell_iou(accuracy.get(one["name"])),
            str(accuracy[one["name"]]["examples"]) if one["name"] in accuracy else "",
        ]
        for one in areas
    ]
    heads = ["class", "of the scene", "area", "expected IoU (95 % interval)", "examples"]
    title = f"Map of {html.escape(desk.name)}"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{STYLE}</style>
<h1>{title}</h1>
{picture}
<h2>Classes</h2>
{_write_table(heads, rows)}
<p>The accuracy is estimated from the examples alone: each is judged by a model that learnt from
the others. It is no replacement for a check against the ground.</p>
<h2>How to repeat it</h2>
<p>On the command line; the examples are in <code>{EXAMPLES}</code> beside this report:</p>
<pre>{html.escape(request.command)}</pre>
<p>In Python:</p>
<pre>{html.escape(tell_python(request))}</pre>
<p>It took {job.seconds:.0f} s.</p>
</html>
"""


def _write_table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def line(cells: Iterable[str], kind: str) -> str:
        told = [
            f"<{kind}{' class=n' if place else ''}>{cell}</{kind}>"
            for place, cell in enumerate(cells)
        ]
        return f"<tr>{''.join(told)}</tr>"

    return f"<table>{line(heads, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def _tell_area(square_metres: float) -> str:
    if square_metres >= 1e6:
        return f"{square_metres / 1e6:,.2f} km²"
    return f"{square_metres / 1e4:,.2f} ha"


def _tell_iou(one: dict[str, Any] | None) -> str:
    if one is None or one["iou"] is None:
        return "unknown"
    return "{value:.0%} ({low:.0%} to {high:.0%})".format(**one["iou"])
