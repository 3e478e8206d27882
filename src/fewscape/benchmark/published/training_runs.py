"""Train and test one run of a benchmark, skipping finished steps."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fewscape.benchmark.published.definition import TRAINED, Benchmark, Run
from fewscape.benchmark.published.recipes import Recipe, overlay_recipes, read_recipe, write_recipe
from fewscape.core import ConfigError, Policy, ResultsError, write_bytes
from fewscape.datasets.protocols import novel_classes
from fewscape.evaluation import Candidate, count_episodes, save_counts, time_episode
from fewscape.models import FewShotModel
from fewscape.regions import open_regions

RECIPE = "recipe.yaml"
FEATURE_GIGABYTES = 100
"""Cache size of one backbone in GB; a ResNet-50 on all of iSAID-5i needs 70."""
CHECKPOINT = Path("checkpoints") / "last.ckpt"

Train = Callable[[list[str]], Any]
Load = Callable[[str], FewShotModel]


def run_one(benchmark: Benchmark, run: Run, train: Train, load: Load) -> None:
    """Train and test a run unless done.

    Args:
        benchmark: the benchmark.
        run: one of its runs.
        train: trains with the arguments of ``fewscape fit`` and returns the trainer.
        load: opens a model folder.

    Raises:
        ResultsError: the run was trained with another recipe.
    """
    folder = benchmark.folder(run)
    if not (folder / TRAINED).is_file():
        _train(benchmark, run, train)
    for shots in benchmark.shots:
        if not benchmark.counts_path(run, shots).is_file():
            _test(benchmark, run, shots, load)


def make_recipe(benchmark: Benchmark, run: Run) -> Recipe:
    """Make the complete recipe of a run, for ``fewscape fit``."""
    recipe = benchmark.compose(run.model)
    return overlay_recipes([recipe, _apply_protocol(benchmark, run, recipe)])


def _apply_protocol(benchmark: Benchmark, run: Run, recipe: Recipe) -> Recipe:
    protocol, dataset = benchmark.protocol, benchmark.open_data()
    novel = novel_classes(protocol, run.fold, dataset)
    tested = {number - 1 + protocol.first_id for fold in protocol.folds for number in fold}
    least = float(recipe.get("data", {}).get("min_share", 0.0))
    data: Recipe = {
        "folders": {
            "root": str(benchmark.root),
            "names": [protocol.dataset],
            "split": protocol.train_split,
            "lists": protocol.lists,
        },
        "held_out": list(novel.values()),
        "held_out_pixels": protocol.held_out_pixels,
        "skip_image_pixels": protocol.skip_image_pixels,
        "leave_out": [name for number, name in dataset.classes.items() if number not in tested],
        "image_size": protocol.image_size,
        "whole_images": True,
        "min_share": max(least, protocol.train_min_pixels / protocol.tile_size**2),
        "max_share": 1.0,
        "seed": run.seed,
    }
    if benchmark.regions is not None:
        data["region_store"] = str(benchmark.regions)
    if benchmark.selection == "paper":
        data["val_manifest"] = str(benchmark.manifest_path(run.fold, 1))
    trainer = {"default_root_dir": str(benchmark.folder(run)), "devices": 1}
    if benchmark.device != "auto":
        trainer["accelerator"] = benchmark.device
    told: Recipe = {"seed_everything": run.seed, "trainer": trainer, "data": data}
    if benchmark.features is not None:
        data["augment"] = None
        told["model"] = {
            "cache_folder": str(benchmark.features),
            "cache_gigabytes": FEATURE_GIGABYTES,
        }
    return told


def _train(benchmark: Benchmark, run: Run, train: Train) -> None:
    folder = benchmark.folder(run)
    recipe = make_recipe(benchmark, run)
    path = folder / RECIPE
    if path.is_file() and read_recipe(path) != recipe:
        raise ResultsError(
            f"'{folder}' was started with another recipe",
            "a run cannot change its recipe",
            "choose another --output, or delete that folder to train again",
        )
    if benchmark.selection == "paper":
        benchmark.manifest(run.fold, 1)
    write_recipe(recipe, path)
    words = ["--config", str(path)]
    if (folder / CHECKPOINT).is_file():
        words += ["--ckpt_path", str(folder / CHECKPOINT)]
    trainer = train(words)
    if not trainer.state.finished:
        raise ConfigError(f"the training in '{folder}' was interrupted", "", "run again to resume")
    parameters = list(trainer.lightning_module.model.parameters())
    facts = {
        "seconds": _training_seconds(trainer),
        "steps": trainer.global_step,
        "parameters": sum(each.numel() for each in parameters),
        "learnable": sum(each.numel() for each in parameters if each.requires_grad),
        "device": trainer.strategy.root_device.type,
    }
    write_bytes(folder / TRAINED, (json.dumps(facts, indent=1) + "\n").encode())


def _test(benchmark: Benchmark, run: Run, shots: int, load: Load) -> None:
    folder = benchmark.folder(run)
    best = folder / "best"
    model = load(str(best if best.is_dir() else folder / "last"))
    manifest = benchmark.manifest(run.fold, shots)
    policy = Policy.choose(benchmark.device)
    regions = open_regions(model.region_method, model.region_options, benchmark.regions)
    candidate = Candidate(model, regions)
    started = time.perf_counter()
    counted = count_episodes({run.model: candidate}, manifest, benchmark.root, policy)
    seconds = time.perf_counter() - started
    facts = {
        "episodes_sha256": manifest.sha256,
        "selection": benchmark.selection,
        "seconds": round(seconds, 3),
        "forward_seconds": time_episode(candidate, manifest, benchmark.root, policy),
        "device": policy.device.type,
        "precision": str(policy.dtype).removeprefix("torch."),
    }
    save_counts(counted.counts[run.model], facts, benchmark.counts_path(run, shots))


def _training_seconds(trainer: Any) -> float:  # noqa: ANN401 (Lightning's)
    from lightning.pytorch.callbacks import Timer

    timer = next(each for each in trainer.callbacks if isinstance(each, Timer))
    return round(timer.time_elapsed("train"), 3)
