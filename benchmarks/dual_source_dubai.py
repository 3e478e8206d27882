r"""The dual source network on real texture: Wald-type pairs of the Dubai images.

    .venv/bin/python -m benchmarks.dual_source_dubai --data data/dubai_mbrsc \
        --output benchmarks/results/dual_source_dubai.json

One image of each large tile becomes a pair: bands at a quarter of its resolution, and their sum as
the panchromatic image; the near infrared, which the images lack, is 0. Five shots per class come
from some blocks of 32 x 32 multispectral pixels, and every labelled pixel of the other blocks is
classified. The network was trained without real images.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fewscape import zoo
from fewscape.core import Policy
from fewscape.datasets import FolderDataset
from fewscape.datasets.pan_ms import (
    LabelledPair,
    PairScale,
    WaldOptions,
    average_blocks,
    coarsen_labels,
    make_pair,
    split_blocks,
)
from fewscape.evaluation import PairProtocol, evaluate_pair, evaluate_pixels, write_results
from fewscape.models.dual_source import DualSource, DualSourceConfig
from fewscape.raster import PanMsPair

RATIO = 4
WEIGHTS = (0.2, 0.35, 0.45)
"""Weights of blue, green and red in the panchromatic image."""
PROTOCOL = PairProtocol("blocks", shots=5, draws=10, block=32, gap=8)
IMAGES = ("tile5_part002", "tile7_part001", "tile8_part001")
MIN_BLOCKS, MIN_PIXELS = 8, 50
"""Classes with fewer blocks or pixels are skipped because they cannot be split."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the dubai_mbrsc folder")
    parser.add_argument("--model", default=zoo.EMBEDDED_PAIRS[RATIO])
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    dataset = FolderDataset(arguments.data)
    pairs = [make_dubai_pair(dataset, name) for name in IMAGES]
    loaded = zoo.load(arguments.model)
    trained = loaded.pair
    torch.manual_seed(0)
    networks = {
        "trained": trained,
        "trained, MS only": change(trained, sources="ms"),
        "trained, PAN only": change(trained, sources="pan"),
        "random weights": DualSource(trained.config),
    }
    policy = Policy.choose(precision="float32")
    results: dict[str, Any] = {"model_sha256": loaded.facts.sha256, "networks": {}}
    for name, network in networks.items():
        tell(results, name, [evaluate_pair(network, pair, PROTOCOL, policy) for pair in pairs])
    tell(results, "values, no network", [evaluate_values(pair) for pair in pairs])
    write_results(results, arguments.output)


def change(network: DualSource, **settings: str | bool) -> DualSource:
    """The same weights with different switches."""
    changed = DualSource(replace(network.config, **settings))  # type: ignore[arg-type]
    changed.load_state_dict(network.state_dict())
    return changed


def make_dubai_pair(dataset: FolderDataset, name: str) -> LabelledPair:
    """Make a pair from an image."""
    names = [Path(dataset.image_path(index)).stem for index in range(len(dataset))]
    index = names.index(name)
    image, labels = dataset.read_image(index), dataset.read_labels(index)
    rows, cols = (side // RATIO * RATIO for side in labels.shape)
    bands = image[2::-1, :rows, :cols].astype(np.float64)  # blue first
    pair = make_pair(bands, WaldOptions(RATIO, weights=WEIGHTS), np.random.default_rng(0))
    ms = np.concatenate([pair.ms, np.zeros_like(pair.ms[:1])])
    fine = np.where(labels == 255, 0, labels + 1)[:rows, :cols].astype(np.uint8)
    coarse = coarsen_labels(fine, RATIO, len(dataset.classes))
    owner = (np.arange(coarse.shape[0]) // PROTOCOL.block)[:, None] * 1000
    owner = owner + np.arange(coarse.shape[1]) // PROTOCOL.block
    for number in range(1, len(dataset.classes) + 1):
        blocks = np.unique(owner[coarse == number], return_counts=True)[1]
        if (blocks >= MIN_PIXELS).sum() < MIN_BLOCKS:
            coarse[coarse == number] = 0
    valid = np.ones(coarse.shape, bool)
    return LabelledPair(name, PanMsPair(ms, pair.pan, RATIO), valid, coarse, None, None)


def evaluate_values(pair: LabelledPair) -> dict[str, Any]:
    """Score prototypes of the bands and of the mean and deviation of the panchromatic pixels."""
    assert pair.labels is not None
    ms, pan = PairScale.fit(pair.pair).apply(pair.pair)
    wide = pan.astype(np.float64)
    mean = average_blocks(wide, RATIO)
    spread = np.sqrt(np.maximum(average_blocks(wide**2, RATIO) - mean**2, 0))
    rows = torch.from_numpy(np.concatenate([ms, mean, spread / spread.std()]))
    rows = torch.nn.functional.normalize(rows, dim=0)
    rng = np.random.default_rng(PROTOCOL.seed)
    grounds = split_blocks(pair.labels, PROTOCOL.block, PROTOCOL.test_share, rng, PROTOCOL.gap)

    def pick(ground: npt.NDArray[np.bool_]) -> tuple[torch.Tensor, torch.Tensor]:
        own = ground & (pair.labels > 0)
        return rows[:, own].t().float(), torch.from_numpy(pair.labels[own].astype(np.int64))

    shown, hidden = map(pick, grounds)
    scores = evaluate_pixels(*shown, *hidden, PROTOCOL.shots, DualSourceConfig().temperature)
    return {"pair": pair.name} | scores


def tell(results: dict[str, Any], name: str, scores: list[dict[str, Any]]) -> None:
    """Add a row and print it."""
    means = {key: float(np.mean([each[key] for each in scores])) for key in ("oa", "aa", "kappa")}
    results["networks"][name] = means | {"pairs": scores}
    told = "  ".join(f"{each['pair']} {100 * each['aa']:.1f}" for each in scores)
    print(
        f"{name:20s} OA {100 * means['oa']:.1f}  AA {100 * means['aa']:.1f}  ({told})", flush=True
    )


if __name__ == "__main__":
    main()
