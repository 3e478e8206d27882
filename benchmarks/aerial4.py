r"""aerial4, 1-shot: MGCL on classes that it never saw, beside the training-free prototype.

    for fold in 0 1 2; do fewscape fit --config configs/aerial4/mgcl_fold$fold.yaml; done
    .venv/bin/python benchmarks/aerial4.py --root ../shared/data --runs runs/aerial4 \
        --weights ../shared/data/pretrained/mobilenetv2_100_tf_imagenet.safetensors

Every class is scored by the network whose fold held its concept out. Both networks have the same
frozen backbone and see the same episodes; the prototype serves all folds since it learns nothing.
The paired test draws query images, with the episodes of each class among themselves.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from fewscape import __version__
from fewscape.core import Policy
from fewscape.datasets import AERIAL4_FOLDS, Manifest
from fewscape.evaluation import (
    Contender,
    Counted,
    bootstrap_iou,
    compare_pair,
    count_episodes,
    write_results,
)
from fewscape.evaluation.evaluate import score_counts
from fewscape.models import FewShotModel
from fewscape.regions import open_regions
from fewscape.zoo import load_model

FOLDS = range(3)
NAMES = ("prototype", "mgcl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the three runs")
    parser.add_argument("--weights", required=True, help="the backbone's weights")
    parser.add_argument("--checkpoint", default="best", choices=["best", "last"])
    parser.add_argument("--episodes", type=Path, default=Path("manifests/aerial4-1shot.json"))
    parser.add_argument("--store", type=Path, default=Path("runs/regions"))
    parser.add_argument(
        "--output", type=Path, default=Path("benchmarks/results/aerial4-1shot.json")
    )
    arguments = parser.parse_args()
    started = time.perf_counter()
    manifest = Manifest.load(arguments.episodes)
    policy = Policy.choose()
    folds = []
    for fold in FOLDS:
        episodes = manifest.select(_present(manifest, fold))
        models = {
            "prototype": load_model("prototype", weights=arguments.weights),
            "mgcl": load_model(str(arguments.runs / f"mgcl_fold{fold}" / arguments.checkpoint)),
        }
        contenders = {name: _enter(model, arguments.store) for name, model in models.items()}
        folds.append((episodes, count_episodes(contenders, episodes, arguments.root, policy)))
        print(f"fold {fold}: {len(episodes)} episodes", flush=True)
    results = {
        "command": f"benchmarks/aerial4.py --checkpoint {arguments.checkpoint}",
        **{name: _join(folds, name) for name in NAMES},
        "mgcl_minus_prototype": _compare(folds),
        "episodes_sha256": manifest.sha256,
        "seconds": round(time.perf_counter() - started, 1),
        "device": policy.device.type,
        "precision": str(policy.dtype).removeprefix("torch."),
        "version": __version__,
    }
    write_results(results, arguments.output)
    print(_table(results))
    arguments.output.with_suffix(".md").write_text(_table(results))


def _enter(model: FewShotModel, store: Path) -> Contender:
    return Contender(model, open_regions(model.region_method, model.region_options, store))


def _present(manifest: Manifest, fold: int) -> list[str]:
    present = set(manifest.classes.values())
    return [name for name in AERIAL4_FOLDS.names(fold) if name in present]


def _stack(
    folds: list[tuple[Manifest, Counted]], name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Foreground intersections, unions and group numbers of all folds' episodes."""
    parts = []
    first = 0
    for manifest, counted in folds:
        intersection, union, group = counted.counts[name].per_episode()
        parts.append((intersection[:, 1].numpy(), union[:, 1].numpy(), group.numpy() + first))
        first += len(manifest.classes)
    intersection, union, group = (np.concatenate(part) for part in zip(*parts, strict=True))
    return intersection, union, group


def _join(folds: list[tuple[Manifest, Counted]], name: str) -> dict[str, Any]:
    """One result of three folds: the classes side by side, their mean, each fold's scores."""
    scores = [score_counts(manifest, counted.counts[name]) for manifest, counted in folds]
    classes = [
        dict(row, fold=fold) for fold, part in enumerate(scores) for row in part["per_class"]
    ]
    intervals = bootstrap_iou(*_stack(folds, name), num_groups=len(classes))
    return {
        "miou": float(np.mean([row["iou"] for row in classes])),
        "miou_ci95": intervals.miou.tolist(),
        "folds": [{key: part[key] for key in ("miou", "miou_ci95", "fb_iou")} for part in scores],
        "per_class": classes,
    }


def _compare(folds: list[tuple[Manifest, Counted]]) -> dict[str, Any]:
    first, second = _stack(folds, "mgcl"), _stack(folds, "prototype")
    clusters = [episode.query.image for manifest, _ in folds for episode in manifest]
    test = compare_pair(first[:2], second[:2], first[2], clusters)
    return {"difference": test.difference, "ci95": list(test.ci95), "p": test.p_value}


def _table(results: dict[str, Any]) -> str:
    """Markdown: a row a class, IoU in per cent with its interval."""
    lines = [
        "| fold | data set | class | " + " | ".join(NAMES) + " |",
        "|---|---|---" + "|---" * len(NAMES) + "|",
    ]
    for rows in zip(*(results[name]["per_class"] for name in NAMES), strict=True):
        first = rows[0]
        cells = [_cell(row["iou"], row["ci95"]) for row in rows]
        head = [str(first["fold"]), first["dataset"], first["class_name"]]
        lines.append("| " + " | ".join(head + cells) + " |")
    means = [f"**{_cell(results[name]['miou'], results[name]['miou_ci95'])}**" for name in NAMES]
    lines.append("| | **all 12** | **mIoU** | " + " | ".join(means) + " |")
    test = results["mgcl_minus_prototype"]
    lines += [
        "",
        f"mgcl - prototype: {_cell(test['difference'], test['ci95'])}, p = {test['p']:.2g}",
    ]
    return "\n".join(lines) + "\n"


def _cell(score: float, bounds: list[float]) -> str:
    low, high = bounds
    return f"{100 * score:.1f} ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    main()
