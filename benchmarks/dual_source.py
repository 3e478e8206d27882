r"""The dual source network on a synthetic scene in which both sources are needed.

    .venv/bin/python -m benchmarks.dual_source --output benchmarks/results/dual_source.json
    .venv/bin/python -m benchmarks.dual_source --seeds 3 --variants all \
        --output benchmarks/results/dual_source_ablations.json

One pair of classes differs only in texture, so the bands cannot separate it; another differs only
in colour, so the panchromatic image cannot. Every variant differs from ``fused`` in one switch and
is trained on the same scene with the same seeds. ``original`` and ``tknet`` set the switches as the
published codes do, with fewscape's encoder and prototypes at test time. Variants are scored on
another scene: five shots per class come from some of its blocks, and every labelled pixel of the
other blocks is classified, so no field was seen in training.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fewscape.datasets.pan_ms import (
    SPECTRAL_PAIR,
    TEXTURE_PAIR,
    EpisodeOptions,
    PairScale,
    PixelScene,
    make_synthetic_pair,
    split_blocks,
)
from fewscape.evaluation import evaluate_pixels, write_results
from fewscape.models.dual_source import DualSource, DualSourceConfig
from fewscape.training.dual_source import (
    DualSourceSegmentation,
    describe_labelled,
    train_on_scenes,
)
from fewscape.training.scene_episodes import SceneData, SceneEpisodes

SIZE = 96
WIDTH = 32
SHOTS = 5
OTHER_SEED = 1000
VARIANTS: dict[str, dict[str, Any]] = {
    "fused": {},
    "MS only": {"model": {"sources": "ms", "regions": False}},
    "PAN only": {"model": {"sources": "pan"}},
    "bilinear PAN": {"model": {"stem": "bilinear"}},
    "no contrast": {"task": {"contrast_weight": 0.0}},
    "intra-modal contrast": {"task": {"intra_weight": 0.5}},
    "sum fusion": {"model": {"fusion": "sum"}},
    "cross fusion": {"model": {"fusion": "cross"}},
    "cells, no superpixels": {"model": {"regions": False}},
    "key share 0.2": {"model": {"key_share": 0.2}},
    "key share 0.6": {"model": {"key_share": 0.6}},
    "dissimilar supports": {"episodes": {"support": "dissimilar"}},
    "random supports": {"episodes": {"support": "random"}},
    "random queries": {"episodes": {"query": "random"}},
    "original": {
        "model": {
            "stem": "bilinear",
            "regions": False,
            "key_share": 0.2,
            "fusion": "sum",
            "include_center": False,
        },
        "task": {"cross_weight": 0.0, "intra_weight": 1.0, "contrast_weight": 0.75},
        "episodes": {"support": "dissimilar", "query": "own"},
    },
    "tknet": {
        "model": {
            "stem": "bilinear",
            "regions": False,
            "key_share": 0.6,
            "fusion": "cross",
            "include_center": False,
        },
        "task": {
            "cross_weight": 0.0,
            "intra_weight": 1.0,
            "contrast_weight": 1.0,
            "classification_weight": 0.0,
            "margin": 0.3,
            "warmup_epochs": 0,
        },
        "episodes": {"support": "dissimilar", "query": "own"},
    },
}

ACCEPTANCE = ("fused", "MS only", "PAN only", "bilinear PAN")
"""Variants that test the method itself; the others are ablations."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2, help="number of processes, one thread each")
    parser.add_argument("--variants", nargs="+", default=ACCEPTANCE)
    arguments = parser.parse_args()
    if arguments.variants == ["all"]:
        arguments.variants = list(VARIANTS)
    begin = time.perf_counter()
    results: dict[str, Any] = {}
    with ProcessPoolExecutor(arguments.jobs, get_context("spawn")) as pool:
        waiting = {
            name: [
                pool.submit(run, name, seed, arguments.epochs) for seed in range(arguments.seeds)
            ]
            for name in arguments.variants
        }
        for name, runs in waiting.items():
            results[name] = summarise([each.result() for each in runs])
            told = {key: f"{100 * results[name][key]:.1f}" for key in ("aa", "texture", "spectral")}
            print(f"{name:24s}", told, flush=True)
    settings = {
        "size": SIZE,
        "width": WIDTH,
        "shots": SHOTS,
        "epochs": arguments.epochs,
        "seeds": arguments.seeds,
        "minutes": round((time.perf_counter() - begin) / 60, 1),
        "jobs": arguments.jobs,
    }
    write_results({"settings": settings, "variants": results}, arguments.output)
    arguments.output.with_suffix(".md").write_text(make_table(results))


def make_table(results: dict[str, Any]) -> str:
    """Markdown table in per cent with standard deviations over the seeds.

    AA is paired by seed with ``fused``.
    """
    keys = ("oa", "aa", "texture", "spectral")
    lines = ["| variant | OA | AA | texture pair | spectral pair | AA less fused |"]
    lines.append("|---|" + 5 * "---:|")
    base = np.array([run["aa"] for run in results["fused"]["runs"]])
    for name, each in results.items():
        cells = [f"{100 * each[key]:.1f} +- {100 * each[f'{key}_std']:.1f}" for key in keys]
        apart = 100 * (np.array([run["aa"] for run in each["runs"]]) - base)
        spread = apart.std(ddof=min(1, len(apart) - 1))
        cells.append("" if name == "fused" else f"{apart.mean():+.1f} +- {spread:.1f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def run(name: str, seed: int, epochs: int) -> dict[str, Any]:
    """Train and score one variant with one seed, on one thread."""
    changes = VARIANTS[name]
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    learnt, other = make_synthetic_pair(SIZE, seed), make_synthetic_pair(SIZE, OTHER_SEED + seed)
    scale = PairScale.fit(learnt.pair)
    train, whole = (PixelScene.make(own.pair, own.labels, scale) for own in (learnt, other))
    shown, hidden = (
        whole.select(ground)
        for ground in split_blocks(other.labels, 16, 0.5, np.random.default_rng(seed), gap=4)
    )
    model = DualSource(DualSourceConfig(width=WIDTH, **changes.get("model", {})))
    options = EpisodeOptions(**changes.get("episodes", {}))
    task = DualSourceSegmentation(
        model,
        optimizer="adamw",
        lr=1e-3,
        weight_decay=1e-4,
        schedule="cosine",
        **{"warmup_epochs": 2} | changes.get("task", {}),
    )
    train_on_scenes(task, SceneData(SceneEpisodes([train], options, seed=seed)), epochs)
    scores = evaluate_pixels(
        describe_labelled(model, shown),
        shown.labels,
        describe_labelled(model, hidden),
        hidden.labels,
        SHOTS,
    )
    pairs = {
        name: pair_accuracy(scores, [other.class_names.index(part) + 1 for part in pair])
        for name, pair in (("texture", TEXTURE_PAIR), ("spectral", SPECTRAL_PAIR))
    }
    return {key: scores[key] for key in ("oa", "aa", "kappa", "recall")} | pairs


def pair_accuracy(scores: dict[str, Any], labels: list[int]) -> float:
    """Mean recall of two classes among the pixels predicted as either; chance is 0.5."""
    confusion = np.array(scores["confusion"], float)
    places = [scores["classes"].index(label) for label in labels]
    part = confusion[np.ix_(places, places)]
    return float((part.diagonal() / np.maximum(part.sum(axis=1), 1)).mean())


def summarise(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Means and standard deviations over the seeds."""
    told: dict[str, Any] = {"runs": runs}
    for key in ("oa", "aa", "kappa", "texture", "spectral"):
        values = np.array([each[key] for each in runs])
        told |= {
            key: float(values.mean()),
            f"{key}_std": float(values.std(ddof=min(1, len(runs) - 1))),
        }
    return told


if __name__ == "__main__":
    main()
