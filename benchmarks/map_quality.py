r"""How well each of a network's intermediate maps separates an unseen class.

    .venv/bin/python benchmarks/map_quality.py --root data --folds aerial4 \
        --models 'prototype,pfenet=runs/aerial4/pfenet_fold{fold}/best' \
        --weights data/pretrained/mobilenetv2_100_tf_imagenet.safetensors

Computes the area under the ROC curve for every episode and every named map (priors, correlations,
logits; for pairs of maps, foreground minus background): the probability that a foreground cell has
a larger value than a background cell. Chance is 0.5. The mean over the episodes of a class, then
over the classes, shows at which stage the class is lost.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from scipy.stats import rankdata

from fewscape.cli import values
from fewscape.core import Episode
from fewscape.datasets import CLASS_FOLDS, Manifest, ManifestEpisodes
from fewscape.evaluation import write_results
from fewscape.models import FewShotModel
from fewscape.ops import average_mask, resize_maps
from fewscape.regions import open_regions
from fewscape.zoo import MODELS, load

SIDE = 64
"""Cells per side at which maps and masks are compared."""

Scores = dict[str, dict[str, list[float]]]
"""AUC per episode, by map and class."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--models", type=values.names, required=True, help="NAME=FOLDER or NAME")
    parser.add_argument("--folds", default="aerial4", choices=list(CLASS_FOLDS))
    parser.add_argument("--weights", help="weights of the backbone of networks given by name")
    parser.add_argument("--episodes", type=Path, default=Path("aerial4-1shot"))
    parser.add_argument("--limit", type=int, default=40, help="episodes of each class")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/map_quality.json"))
    arguments = parser.parse_args()
    manifest = Manifest.load(arguments.episodes).select(limit=arguments.limit)
    results = {}
    for entry in arguments.models:
        name, _, source = entry.rpartition("=")
        scores: Scores = defaultdict(lambda: defaultdict(list))
        for fold, part in CLASS_FOLDS[arguments.folds].split(manifest).items():
            path = source.replace("{fold}", str(fold))
            weights = arguments.weights if path in MODELS else None
            measure(load(path, weights=weights).few_shot, part, arguments.root, scores)
        results[name or source] = {title: _average(each) for title, each in scores.items()}
        print(name or source, results[name or source], flush=True)
    write_results({"areas": results, "episodes_sha256": manifest.sha256}, arguments.output)


@torch.inference_mode()
def measure(model: FewShotModel, manifest: Manifest, root: Path, scores: Scores) -> None:
    """Add the AUC of all maps on all episodes."""
    regions = open_regions(model.region_method, model.region_options)
    episodes = ManifestEpisodes(manifest, root, regions)
    for spec, episode in zip(manifest, episodes, strict=True):
        assert isinstance(episode, Episode)
        foreground, background = average_mask(episode.query_mask, (SIDE, SIDE))
        is_known = (foreground + background > 0.5).numpy().ravel()
        is_foreground = (foreground > 0.5).numpy().ravel()
        output = model(episode)
        for title, grid in {"logits": output.logits.flip(1), **output.maps}.items():
            if grid.shape[1] > 2:
                continue
            plane = grid[:, :1] - grid[:, 1:] if grid.shape[1] == 2 else grid
            cells = resize_maps(plane.float(), (SIDE, SIDE)).numpy().ravel()
            area = measure_area(cells[is_known], is_foreground[is_known])
            if not np.isnan(area):
                scores[title][f"{spec.dataset}/{spec.class_name}"].append(area)


def measure_area(values: np.ndarray, is_foreground: np.ndarray) -> float:
    """Area under the ROC curve, from ranks; nan if foreground or background is absent."""
    inside = int(is_foreground.sum())
    outside = len(values) - inside
    if not inside or not outside:
        return float("nan")
    ranks = rankdata(values)[is_foreground].sum()
    return float((ranks - inside * (inside + 1) / 2) / (inside * outside))


def _average(by_class: dict[str, list[float]]) -> float:
    return round(float(np.mean([np.mean(areas) for areas in by_class.values()])), 4)


if __name__ == "__main__":
    main()
