"""Time saved by encoding images once in the test and by caching maps in training.

    .venv/bin/python -m benchmarks.pipeline --output benchmarks/results/pipeline.json

The data set is synthetic but has the size of iSAID-5i's validation split: 6,363 tiles of 256 pixels
with the class frequencies of the published lists. The test is one fold of protocol P1 with five
shots, with a prototype network on a MobileNetV2; a larger backbone saves more. ``as published``
reads and encodes all six images of every episode; ``each image once`` is what ``fewscape
benchmark`` does, with features in 8 GiB. Training is a step of MGCL on a frozen ResNet-50, whose
maps are computed, read from files or kept in memory. Weights are random, which does not change the
time.

Variants take turns; times are per episode and per step, so the published way runs only a part of
the fold.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.machine import Machine, Watch
from fewscape.backbones import BackboneConfig
from fewscape.core import Episode, Policy
from fewscape.datasets import FileCrops, FolderDataset, Manifest, ManifestEpisodes
from fewscape.datasets.protocol_episodes import make_protocol_manifest
from fewscape.datasets.published.isaid import ISAID, PAIRS
from fewscape.evaluation import ManifestPredictor
from fewscape.models import MGCL, Prototype
from fewscape.ops import resize_maps
from fewscape.regions import open_regions
from fewscape.training.feature_cache import FeatureCache, MemoryStore
from fewscape.training.feature_files import FileStore
from fewscape.training.few_shot import FewShotSegmentation

TILES, SIDE = 6363, 256
PROTOCOL, SHOTS = "isaid5i-p1", 5
ROUNDS = 4
BATCH = 8
FEATURE_BYTES = 8 << 30
TRAIN_EPISODES = 40


def write_tiles(root: Path) -> None:
    """Write tiles of smooth random colours with squares of classes, in the prepared layout."""
    folder = root / "isaid5i"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    classes: list[list[int]] = [[] for _ in range(TILES)]
    for class_id, count in enumerate(PAIRS["val"], 1):
        for tile in rng.choice(TILES, count, replace=False):
            classes[tile].append(class_id)
    stems = [f"P{number // 12:04d}_0_256_{number % 12}_9" for number in range(TILES)]
    for stem, own in zip(stems, classes, strict=True):
        labels = np.zeros((SIDE, SIDE), np.uint8)
        for class_id in own or [int(rng.integers(1, 16))]:
            row, col = rng.integers(0, SIDE - 48, 2)
            labels[row : row + 48, col : col + 48] = class_id
        colours = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8).repeat(16, 0).repeat(16, 1)
        Image.fromarray(colours).save(folder / "images" / f"{stem}.png")
        Image.fromarray(labels).save(folder / "labels" / f"{stem}.png")
    names = dict(enumerate(ISAID.names))
    (folder / "classes.json").write_text(json.dumps({"classes": names, "ignore": 255}))
    (folder / "splits.json").write_text(json.dumps({"val": stems}))


def test_as_published(
    network: Prototype, manifest: Manifest, root: Path, policy: Policy
) -> Iterator[int]:
    """Test batches of episodes; an image is read and encoded each time it occurs."""
    episodes = ManifestEpisodes(manifest, root)
    order = np.random.default_rng(0).permutation(len(episodes)).tolist()
    with torch.inference_mode(), torch.autocast("cpu", policy.dtype, policy.dtype != torch.float32):
        for at in range(0, len(order), BATCH):
            batch = Episode.stack([episodes[index] for index in order[at : at + BATCH]])
            output = network(batch)
            resize_maps(output.logits.float(), output.size).argmax(dim=1)
            yield len(batch.class_id)


def test_each_image_once(predictor: ManifestPredictor) -> Iterator[int]:
    """Test batches of episodes in the manifest's order."""
    for step, batch in enumerate(predictor.batches):
        predictor.predict(step)
        yield len(batch)


def measure_test(root: Path) -> dict[str, Any]:
    """Count backbone passes of a whole fold and time an episode."""
    manifest = make_protocol_manifest(
        PROTOCOL, FolderDataset(root / "isaid5i", root=root), 1, SHOTS
    )
    policy = Policy.choose("cpu")
    network = Prototype(backbone=BackboneConfig("mobilenetv2_100")).eval()
    source = FileCrops(root, manifest.ignore)
    predictor = ManifestPredictor(network, manifest, source, policy, None, BATCH, FEATURE_BYTES)
    works = {
        "as published": test_as_published(network, manifest, root, policy),
        "each image once": test_each_image_once(predictor),
    }
    shares = {"as published": 48, "each image once": -(-len(manifest) // ROUNDS)}
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            seconds[name].append(_time_share(work, shares[name]))
    passes = {
        "as published": len(manifest) * (SHOTS + 1),
        "each image once": predictor.encoder.num_encoded,
    }
    return {
        "episodes": len(manifest),
        "passes": passes,
        "seconds per episode": seconds,
        **_sum_up(seconds),
    }


def measure_training(root: Path) -> dict[str, Any]:
    """Time a training step with the backbone's maps computed, read and kept in memory."""
    manifest = make_protocol_manifest(PROTOCOL, FolderDataset(root / "isaid5i", root=root), 0, 1)
    network = MGCL(backbone=BackboneConfig("resnet50"))
    reader = ManifestEpisodes(
        manifest, root, open_regions(network.region_method, network.region_options)
    )
    batches = [
        Episode.stack([reader[index] for index in range(at, at + BATCH)])
        for at in range(0, TRAIN_EPISODES, BATCH)
    ]
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        stores = {
            "computed": None,
            "from files": FileStore(folder, network.backbone, 100),
            "from memory": MemoryStore(100),
        }
        steps: dict[str, Callable[[Episode], None]] = {}
        for name, store in stores.items():
            task = FewShotSegmentation(network, optimizer="adamw", lr=1e-3)
            task.cache = None if store is None else FeatureCache(network.backbone, store)
            task.log = lambda *unused, **also: None  # no trainer is attached
            steps[name] = _make_step(task)
        for name, step in steps.items():  # the first epoch fills the stores
            seconds[name] = []
            for batch in batches:
                step(batch)
        for batch in batches * 2:
            for name, step in steps.items():
                started = time.perf_counter()
                step(batch)
                seconds[name].append(time.perf_counter() - started)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.maps"))
    tiles = len(
        {crop for index in range(TRAIN_EPISODES) for crop in manifest.episodes[index].crops}
    )
    return {
        "bytes per tile": size // tiles,
        "seconds per step": seconds,
        **_sum_up(seconds),
    }


def _make_step(task: FewShotSegmentation) -> Callable[[Episode], None]:
    optimizer = torch.optim.AdamW([p for p in task.parameters() if p.requires_grad], 1e-3)

    def step(batch: Episode) -> None:
        with torch.autocast("cpu", torch.bfloat16):
            loss = task.training_step(batch, 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def _time_share(work: Iterator[int], count: int) -> float:
    """Seconds per episode over the next ``count`` episodes, or the remaining ones."""
    started, done = time.perf_counter(), 0
    while done < count and (more := next(work, None)):
        done += more
    return (time.perf_counter() - started) / done


def _sum_up(seconds: dict[str, list[float]]) -> dict[str, Any]:
    means = {name: statistics.fmean(own) for name, own in seconds.items()}
    first = next(iter(means.values()))
    return {"speedup": {name: round(first / mean, 2) for name, mean in means.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/pipeline.json"))
    arguments = parser.parse_args()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_tiles(root)
        watch = Watch()
        results = {"test": measure_test(root), "training": measure_training(root)}
        others = watch.read()
    results |= {"machine": asdict(Machine.describe()), "others_cores": others}
    arguments.output.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    for part in ("test", "training"):
        print(part, json.dumps({k: v for k, v in results[part].items() if "per " not in k}))


if __name__ == "__main__":
    main()
