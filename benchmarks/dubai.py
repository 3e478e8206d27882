r"""BiCoR-Seg and a U-Net with the same backbone, budget, crops and losses.

    .venv/bin/python -m benchmarks.dubai --runs runs/dubai --data data/dubai_mbrsc \
        --output benchmarks/results/dubai.json --networks bicor_seg unet
    .venv/bin/python -m benchmarks.dubai --runs runs/dubai --data data/dubai_mbrsc \
        --output benchmarks/results/dubai_tiles.json --networks bicor_seg unet \
        --tiles 1 3 5 6 7 8 --seeds 1

Trains runs missing from ``--runs`` (packaged recipes ``dubai/...``) on all tiles but one, then
scores the last network of each run on that tile with the code that maps scenes. No run is selected
by its test tile.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.unet import UNet
from fewscape import zoo
from fewscape.core import Policy
from fewscape.datasets import FolderDataset, choose_areas
from fewscape.evaluation import evaluate_semantic, write_results
from fewscape.mapping import SemanticSegmenter

NETWORKS = ("bicor_seg", "bicor_reference", "unet")
TILES = (1, 3, 5, 6, 7, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--data", type=Path, required=True, help="the dubai_mbrsc folder")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tiles", type=int, nargs="+", default=[8], choices=TILES)
    parser.add_argument("--networks", nargs="+", default=NETWORKS, choices=NETWORKS)
    arguments = parser.parse_args()
    zoo.SEMANTIC_MODELS[UNet.name] = UNet
    results: dict[str, Any] = {"tiles": arguments.tiles, "networks": {}}
    for name in arguments.networks:
        runs = [
            score(arguments, name, tile, seed)
            for tile in arguments.tiles
            for seed in range(arguments.seeds)
        ]
        mious = [run["means"][0]["miou"] for run in runs]
        mean, deviation = float(np.mean(mious)), float(np.std(mious, ddof=min(1, len(mious) - 1)))
        results["networks"][name] = {"miou_mean": mean, "miou_std": deviation, "runs": runs}
        print(f"{name}: mIoU {100 * mean:.1f} +- {100 * deviation:.1f} over {len(runs)} runs")
        each = (f"tile {run['tile']}: {100 * run['means'][0]['miou']:.1f}" for run in runs)
        print("  " + "  ".join(each))
    write_results(results, arguments.output)


def score(arguments: argparse.Namespace, name: str, tile: int, seed: int) -> dict[str, Any]:
    """Score one run on its test tile; train it first if missing."""
    folder = arguments.runs / f"{name}_tile{tile}_{seed}"
    if not (folder / "last" / "config.json").is_file():
        train(arguments.data, folder, name, tile, seed)
    dataset = FolderDataset(arguments.data)
    loaded = zoo.load(str(folder / "last"))
    model, opened = loaded.semantic, loaded.facts
    segmenter = SemanticSegmenter(model, opened.class_names, Policy.choose(), opened.window)
    areas = choose_areas(dataset, [f"tile{tile}_*"], {})
    results = evaluate_semantic(segmenter, dataset, areas)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"tile": tile, "seed": seed, "parameters": parameters, **results}


def train(data: Path, folder: Path, name: str, tile: int, seed: int) -> None:
    """Run ``fewscape fit`` in a separate process."""
    recipes = [f"--config=dubai/{name}"]
    others = ",".join(f"tile{other}_*" for other in TILES if other != tile)
    options = {
        "seed_everything": seed,
        "data.seed": seed,
        "data.folder": data,
        "data.train": f"[{others}]",
        "data.val": f"[tile{tile}_*]",
        "trainer.default_root_dir": folder,
    }
    words = ["fit", *recipes, *(f"--{key}={value}" for key, value in options.items())]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-m", "fewscape.cli.main", *words]
    subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    main()
