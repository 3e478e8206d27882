"""Score a supervised network on whole images, by the code that maps scenes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fewscape import __version__
from fewscape.core import ConfigError, OutputError, Window, write_whole
from fewscape.datasets import Area, AreaReader, FolderDataset, image_stem
from fewscape.mapping import SemanticSegmenter, predict_strips
from fewscape.metrics import ClassScores, count_confusion, score_confusion
from fewscape.raster import SceneReader


@dataclass(frozen=True, slots=True)
class SemanticOptions:
    """Options of the evaluation."""

    overlap: float = 0.25
    """Overlap of neighbouring windows, as a share of their side."""
    batch_size: int = 8
    """Windows per batch."""
    unscored: tuple[str, ...] = ()
    """Classes excluded from the second mean, such as clutter (ISPRS)."""
    predictions: Path | None = None
    """Folder for a PNG per image with the ids of ``classes.json``, the format of LoveDA's
    server."""
    progress: Callable[[int], None] = lambda pixels: None
    """Called with the number of newly finished pixels."""


def evaluate_semantic(
    segmenter: SemanticSegmenter,
    dataset: FolderDataset,
    areas: Sequence[Area],
    options: SemanticOptions | None = None,
) -> dict[str, Any]:
    """Score a network on all pixels of some areas.

    Windows may extend beyond an area into the image; only the area is scored.

    Args:
        segmenter: the network with its views.
        dataset: the images.
        areas: the areas to score.
        options: see ``SemanticOptions``.

    Returns:
        ``overall_accuracy``; ``means``, of all classes and without ``unscored``, each with
        ``variant``, ``miou`` and ``mean_f1``; ``per_class``; ``confusion`` (truth in rows);
        ``scored_share``, the share of labelled pixels; and the settings of the run. All scores are
        in [0, 1], None if undefined.

    Raises:
        ConfigError: the classes of network and data differ, or ``unscored`` is unknown.
        OutputError: a prediction cannot be written.
    """
    options = options or SemanticOptions()
    begin = time.perf_counter()
    reader = AreaReader(dataset)
    _check_classes(segmenter.class_names, reader.class_names, options.unscored)
    count = len(segmenter.class_names)
    confusion = torch.zeros(count, count, dtype=torch.int64)
    pixels = 0
    for area in areas:
        confusion += _score_area(segmenter, reader, area, options)
        pixels += area.pixels
    return {
        **describe_scores(confusion, segmenter.class_names, options.unscored),
        "scored_share": int(confusion.sum()) / max(1, pixels),
        "pixels": pixels,
        "images": [image_stem(dataset, area.image) for area in areas],
        "dataset": dataset.name,
        "labels": dataset.labels_name,
        "window": segmenter.window,
        "overlap": options.overlap,
        "flips": segmenter.views.flips,
        "scales": list(segmenter.views.scales),
        "dtype": str(segmenter.policy.dtype).removeprefix("torch."),
        "seconds": round(time.perf_counter() - begin, 1),
        "version": __version__,
    }


def describe_scores(
    confusion: torch.Tensor, class_names: Sequence[str], unscored: Sequence[str] = ()
) -> dict[str, Any]:
    """The scores of counts (N, N) as plain data, see ``evaluate_semantic``."""
    scores = score_confusion(confusion)
    means = [_describe_means("all classes", scores)]
    if unscored:
        kept = [number for number, name in enumerate(class_names) if name not in unscored]
        without = "without " + " and ".join(unscored)
        means.insert(0, _describe_means(without, score_confusion(confusion, kept)))
    names = ("iou", "f1", "precision", "recall")
    per_class = [
        {"class_name": name}
        | {key: _plain(getattr(scores, key)[number].item()) for key in names}
        | {"pixels": int(confusion[number].sum())}
        for number, name in enumerate(class_names)
    ]
    return {
        "overall_accuracy": _plain(scores.overall_accuracy),
        "means": means,
        "per_class": per_class,
        "confusion": confusion.tolist(),
    }


def _describe_means(variant: str, scores: ClassScores) -> dict[str, Any]:
    return {
        "variant": variant,
        "miou": _plain(scores.miou),
        "mean_f1": _plain(scores.mean_f1),
    }


def _plain(score: float) -> float | None:
    """A number for JSON, which knows no nan."""
    return None if math.isnan(score) else score


def _check_classes(known: Sequence[str], found: Sequence[str], unscored: Sequence[str]) -> None:
    if tuple(known) != tuple(found):
        raise ConfigError(
            f"the model has {len(known)} classes ({', '.join(known)})",
            f"the data have {len(found)}: {', '.join(found)}",
            "use data with the model's classes, in the order of their ids",
        )
    absent = [name for name in unscored if name not in known]
    if absent:
        raise ConfigError(f"there is no class '{absent[0]}'", f"expected {', '.join(known)}")


def _score_area(
    segmenter: SemanticSegmenter, reader: AreaReader, area: Area, options: SemanticOptions
) -> torch.Tensor:
    dataset, count = reader.dataset, len(segmenter.class_names)
    assert isinstance(dataset, FolderDataset)
    bands = (1, 2, 3) if dataset.num_bands(area.image) >= 3 else (1, 1, 1)
    confusion = torch.zeros(count, count, dtype=torch.int64)
    top, left, height, width = area.window
    rows: list[np.ndarray] = []
    path = dataset.root / dataset.image_path(area.image)
    with SceneReader(path, bands) as scene, scene.set_cache(segmenter.window):
        for strip in predict_strips(scene, segmenter, options.overlap, options.batch_size):
            classes = strip.probabilities[:count].max(dim=0).indices
            if options.predictions is not None:
                rows.append(classes.to(torch.uint8).cpu().numpy())
            first, last = max(strip.row, top), min(strip.row + len(classes), top + height)
            if first < last:
                inside = Area(area.image, Window(first, left, last - first, width))
                labels = torch.from_numpy(reader.labels(inside)).to(classes.device)
                own = classes[first - strip.row : last - strip.row, left : left + width]
                confusion += count_confusion(own, labels, count).cpu()
            options.progress(classes.numel())
    if options.predictions is not None:
        _write_prediction(np.concatenate(rows), reader, area, options.predictions)
    return confusion


def _write_prediction(classes: np.ndarray, reader: AreaReader, area: Area, folder: Path) -> None:
    from PIL import Image

    ids = np.array(list(reader.dataset.classes), np.uint8)
    target = folder / f"{image_stem(reader.dataset, area.image)}.png"
    try:
        with write_whole(target) as draft:
            Image.fromarray(ids[classes]).save(draft, format="PNG")
    except OSError as error:
        raise OutputError(
            f"'{target}' cannot be written: {error.strerror}", "", "choose another --predictions"
        ) from error
