r"""Compare the dual source network with models that use both rasters of a pair at once.

    .venv/bin/python -m benchmarks.pairs_engine --dubai data/dubai_mbrsc \
        --india data/s2_india --output benchmarks/results/pairs_engine.json

Pairs are simulated as in ``dual_source_dubai``; those of Sentinel-2 have a measured near infrared
band. A few pixels or squares of each class in some blocks of 32 x 32 multispectral pixels are the
examples of ``fewscape map``. Its map of the other blocks is compared with the labels on the
panchromatic grid.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
import torch
from PIL import Image

from benchmarks.dual_source_dubai import IMAGES, MIN_BLOCKS, MIN_PIXELS, WEIGHTS
from fewscape.cli.main import main as call
from fewscape.core import DatasetError
from fewscape.datasets import FolderDataset
from fewscape.datasets.pan_ms import (
    PAN_WEIGHTS,
    WaldOptions,
    coarsen_labels,
    make_pair,
    split_blocks,
)
from fewscape.evaluation import write_results
from fewscape.metrics import count_confusion, score_confusion
from fewscape.raster import PanMsPair
from fewscape.zoo import EMBEDDED_PAIRS

BLOCK, GAP = 32, 8
SHOTS = 5
SIDES = {"pixels": 1, "squares": 3}
"""Side of an example in multispectral pixels; narrow classes have fewer squares."""
DRAWS = 1
INDIA_IMAGES = 2
PLAIN = ("--no_vectors", "--no_preview", "--no_styles", "--buffer", "0.5")
SCORES = ("oa", "aa", "kappa", "miou")

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class DrawnPair:
    """A pair with labels on both grids; 0 is unlabelled."""

    name: str
    pair: PanMsPair
    fine: Labels
    coarse: Labels


def main() -> None:
    """Map every pair by every model, write the scores and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dubai", type=Path, required=True, help="the dubai_mbrsc folder")
    parser.add_argument("--india", type=Path, required=True, help="the s2_india folder")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    if arguments.output.exists():  # results of an interrupted run
        rows = json.loads(arguments.output.read_text())["rows"]
    pairs = list(make_pairs(arguments.dubai, arguments.india))
    for draw, drawn, (kind, side) in product(range(DRAWS), pairs, SIDES.items()):
        if any(
            (row["pair"], row["examples"], row["draw"]) == (drawn.name, kind, draw) for row in rows
        ):
            continue
        rows += compare(drawn, kind, side, draw)
        write_results({"rows": rows}, arguments.output)
    arguments.output.with_suffix(".md").write_text(make_table(rows), encoding="utf-8")


def make_pairs(dubai: Path, india: Path) -> Iterator[DrawnPair]:
    """RGB images with a near infrared band of zeros, then images with a measured one."""
    dataset = FolderDataset(dubai)
    names = [Path(dataset.image_path(index)).stem for index in range(len(dataset))]
    for name in IMAGES:
        index = names.index(name)
        bands = dataset.read_image(index)[2::-1].astype(np.float64)  # blue first
        yield degrade(name, bands, dataset.read_labels(index), 4, WEIGHTS)
    dataset = FolderDataset(india)
    for ratio in (4, 2):
        found = 0
        for index in range(len(dataset)):
            path = Path(dataset.image_path(index))
            infrared = np.asarray(Image.open(india / "nir" / path.name))
            bands = np.concatenate([dataset.read_image(index)[2::-1], infrared[None]])
            drawn = degrade(
                f"{path.stem} 1:{ratio}",
                bands.astype(np.float64),
                dataset.read_labels(index),
                ratio,
                PAN_WEIGHTS["gaofen"],
            )
            if len(np.unique(drawn.coarse)) < 3 or not has_split(drawn):
                continue
            yield drawn
            found += 1
            if found == INDIA_IMAGES:
                break


def degrade(
    name: str,
    bands: npt.NDArray[np.float64],
    labels: npt.NDArray[np.integer[Any]],
    ratio: int,
    weights: Sequence[float],
) -> DrawnPair:
    """Make a pair from an image; classes in too few blocks are skipped."""
    rows, cols = (side // ratio * ratio for side in labels.shape)
    options = WaldOptions(ratio, weights=tuple(weights))
    pair = make_pair(bands[:, :rows, :cols], options, np.random.default_rng(0))
    missing = np.zeros((4 - len(pair.ms), *pair.ms.shape[1:]), np.float32)
    fine = np.where(labels == 255, 0, labels + 1)[:rows, :cols].astype(np.uint8)
    coarse = coarsen_labels(fine, ratio, int(fine.max()))
    owner = (np.arange(coarse.shape[0]) // BLOCK)[:, None] * 1000
    owner = owner + np.arange(coarse.shape[1]) // BLOCK
    for number in range(1, int(fine.max()) + 1):
        blocks = np.unique(owner[coarse == number], return_counts=True)[1]
        if (blocks >= MIN_PIXELS).sum() < MIN_BLOCKS:
            coarse[coarse == number] = 0
            fine[fine == number] = 0
    return DrawnPair(
        name, PanMsPair(np.concatenate([pair.ms, missing]), pair.pan, ratio), fine, coarse
    )


def has_split(drawn: DrawnPair) -> bool:
    """Whether every class has pixels for examples and for the test."""
    try:
        shown, _ = split(drawn, 0)
        draw_examples(drawn, shown, max(SIDES.values()), np.random.default_rng(0))
    except (DatasetError, ValueError):
        return False
    return True


def split(drawn: DrawnPair, draw: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Masks (h, w) of the pixels for examples and for the test."""
    return split_blocks(drawn.coarse, BLOCK, 0.5, np.random.default_rng(draw), GAP)


def draw_examples(
    drawn: DrawnPair, shown: npt.NDArray[np.bool_], side: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Draw squares of each class as GeoJSON in multispectral pixels, smaller where none fits.

    Raises:
        ValueError: a class has no pixels.
    """
    features = []
    for number in np.unique(drawn.coarse[drawn.coarse > 0]).tolist():
        chosen, own = find_squares(shown & (drawn.coarse == number), side, rng)
        for row, col in chosen:
            ring = [(col, row), (col + own, row), (col + own, row + own), (col, row + own)]
            features.append(
                {
                    "type": "Feature",
                    "properties": {"class": f"c{number}"},
                    "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
                }
            )
    return {"type": "FeatureCollection", "features": features}


def find_squares(
    ground: npt.NDArray[np.bool_], side: int, rng: np.random.Generator
) -> tuple[list[list[int]], int]:
    """Rows and columns of at most ``SHOTS`` squares inside a mask (h, w), and their side."""
    views = np.lib.stride_tricks.sliding_window_view(ground, (side, side))
    corners = rng.permutation(np.argwhere(views.all(axis=(2, 3)))).tolist()
    chosen: list[list[int]] = []
    for row, col in corners:
        apart = all(max(abs(row - top), abs(col - left)) >= side for top, left in chosen)
        if apart and len(chosen) < SHOTS:
            chosen.append([row, col])
    if chosen:
        return chosen, side
    if side == 1:
        raise ValueError("a class has no pixels")
    return find_squares(ground, side - 1, rng)


def compare(drawn: DrawnPair, kind: str, side: int, draw: int) -> list[dict[str, Any]]:
    """One row of scores per model, all with the same examples."""
    shown, hidden = split(drawn, draw)
    examples = draw_examples(drawn, shown, side, np.random.default_rng(draw))
    ratio, rows = drawn.pair.ratio, []
    test = np.kron(hidden, np.ones((ratio, ratio), bool)) & (drawn.fine > 0)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_band(folder / "pan.tif", drawn.pair.pan[None])
        write_band(folder / "ms.tif", drawn.pair.ms)
        (folder / "examples.geojson").write_text(json.dumps(examples))
        for model in (EMBEDDED_PAIRS[ratio], "ensemble", "maximum_likelihood"):
            begun = time.perf_counter()
            classes = map_pair(folder, model)
            row = {"pair": drawn.name, "examples": kind, "draw": draw, "model": model}
            row |= {"seconds": round(time.perf_counter() - begun, 1)}
            row |= score(drawn.fine[test], classes[test])
            rows.append(row)
            print(row, flush=True)
    return rows


def write_band(path: Path, data: npt.NDArray[Any]) -> None:
    """Write an integer raster without georeference."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        count, height, width = data.shape
        with rasterio.open(path, "w", "GTiff", width, height, count, dtype="uint16") as target:
            target.write(np.rint(100 * data.clip(0)).astype(np.uint16))


def map_pair(folder: Path, model: str) -> npt.NDArray[np.int64]:
    """Map a pair with ``fewscape map``; returns the label of every panchromatic pixel."""
    out = folder / model
    words = ["--pan", folder / "pan.tif", "--ms", folder / "ms.tif", "--output", out]
    words += ["--examples", folder / "examples.geojson", "--model", model, *PLAIN]
    words += [] if model in EMBEDDED_PAIRS.values() else ["--no_estimate"]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        if call(["map", *map(str, words)]):
            raise RuntimeError(f"the model '{model}' did not map")
        with rasterio.open(out / "ms_classes.tif") as dataset:
            classes, names = dataset.read(1), dataset.tags(1)
    table = np.zeros(256, np.int64)
    for key, name in names.items():
        if key.startswith("CLASS_") and name != "background":
            table[int(key.removeprefix("CLASS_"))] = int(name.removeprefix("c"))
    return table[classes]


def score(truth: Labels, mapped: npt.NDArray[np.int64]) -> dict[str, float]:
    """Score against the labels; a pixel without a label in the map counts as wrong."""
    kinds = np.unique(truth)
    places = np.full(256, len(kinds), np.int64)
    places[kinds] = np.arange(len(kinds))
    found, true = (torch.from_numpy(places[part]) for part in (mapped, truth))
    own = score_confusion(count_confusion(found, true, len(kinds)))
    hits = np.array([((mapped == kind) & (truth == kind)).sum() for kind in kinds])
    unions = np.array([((mapped == kind) | (truth == kind)).sum() for kind in kinds])
    return {
        "oa": own.overall_accuracy,
        "aa": own.average_accuracy,
        "kappa": own.kappa,
        "miou": float((hits / unions).mean()),
    }


def make_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Means over the draws of each pair, and over the pairs, in %."""
    models = list(dict.fromkeys(_name(row) for row in rows))
    lines = [
        "# Models of pairs",
        "",
        "OA / AA / kappa / mean IoU in % on ground without examples.",
        "",
    ]
    for kind in SIDES:
        lines += [f"| {SHOTS} {kind} a class | " + " | ".join(models) + " |"]
        lines += ["|---|" + "---:|" * len(models)]
        seen = [row for row in rows if row["examples"] == kind]
        for pair in (*dict.fromkeys(row["pair"] for row in seen), None):
            own = [row for row in seen if pair in (None, row["pair"])]
            cells = [_tell([row for row in own if _name(row) == model]) for model in models]
            lines.append(f"| {pair or 'mean'} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _name(row: Mapping[str, Any]) -> str:
    """One name for the networks of both ratios."""
    return "network" if row["model"] in EMBEDDED_PAIRS.values() else str(row["model"])


def _tell(rows: Sequence[Mapping[str, Any]]) -> str:
    return " / ".join(f"{100 * np.mean([row[name] for row in rows]):.1f}" for name in SCORES)


if __name__ == "__main__":
    main()
