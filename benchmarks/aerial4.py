r"""aerial4, 1-shot: MGCL on classes that it never saw, beside the training-free prototype.

    for fold in 0 1 2; do fewscape fit --config configs/aerial4/mgcl_fold$fold.yaml; done
    .venv/bin/python benchmarks/aerial4.py --root ../shared/data --runs runs/aerial4 \
        --weights ../shared/data/pretrained/mobilenetv2_100_tf_imagenet.safetensors

Every class is scored by the network whose fold held its concept out. Both networks have the same
frozen backbone and see the same episodes; the prototype serves all folds since it learns nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from fewscape.core import Policy
from fewscape.datasets import AERIAL4_FOLDS, Manifest
from fewscape.evaluation import evaluate, write_results
from fewscape.regions import open_regions
from fewscape.zoo import load_model

FOLDS = range(3)


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
    manifest = Manifest.load(arguments.episodes)
    parts: dict[str, list[dict[str, Any]]] = {"prototype": [], "mgcl": []}
    for fold in FOLDS:
        episodes = manifest.select(_present(manifest, fold))
        models = {
            "prototype": load_model("prototype", weights=arguments.weights),
            "mgcl": load_model(str(arguments.runs / f"mgcl_fold{fold}" / arguments.checkpoint)),
        }
        for name, model in models.items():
            scores = evaluate(
                model,
                episodes,
                arguments.root,
                model_name=name,
                policy=Policy.choose(),
                regions=open_regions(model.region_method, model.region_options, arguments.store),
            )
            print(f"fold {fold}, {name}: {scores['miou']:.4f}", flush=True)
            parts[name].append(scores)
    results = {name: _join(scores) for name, scores in parts.items()}
    command = f"benchmarks/aerial4.py --checkpoint {arguments.checkpoint}"
    write_results({"command": command, **results}, arguments.output)
    print(_table(results))
    arguments.output.with_suffix(".md").write_text(_table(results))


def _present(manifest: Manifest, fold: int) -> list[str]:
    present = set(manifest.classes.values())
    return [name for name in AERIAL4_FOLDS.names(fold) if name in present]


def _join(folds: list[dict[str, Any]]) -> dict[str, Any]:
    """One result of three folds: the classes side by side, their mean, each fold's scores."""
    classes = [dict(row, fold=fold) for fold, part in enumerate(folds) for row in part["per_class"]]
    return {
        "miou": float(np.mean([row["iou"] for row in classes])),
        "folds": [
            {key: part[key] for key in ("miou", "miou_ci95", "fb_iou", "seconds")} for part in folds
        ],
        "episodes_sha256": folds[0]["episodes_sha256"],
        **{key: folds[0][key] for key in ("device", "precision", "version")},
        "per_class": classes,
    }


def _table(results: dict[str, Any]) -> str:
    """Markdown: a row a class, IoU in per cent with its interval."""
    names = list(results)
    lines = [
        "| fold | data set | class | " + " | ".join(names) + " |",
        "|---|---|---" + "|---" * len(names) + "|",
    ]
    for rows in zip(*(results[name]["per_class"] for name in names), strict=True):
        first = rows[0]
        cells = [
            f"{100 * row['iou']:.1f} ({100 * row['ci95'][0]:.1f} to {100 * row['ci95'][1]:.1f})"
            for row in rows
        ]
        head = [str(first["fold"]), first["dataset"], first["class_name"]]
        lines.append("| " + " | ".join(head + cells) + " |")
    means = [f"**{100 * results[name]['miou']:.1f}**" for name in names]
    lines.append("| | **all 12** | **mIoU** | " + " | ".join(means) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
