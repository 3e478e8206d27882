"""Time of one MGCL episode: the literal published form and the factored one.

    .venv/bin/python benchmarks/episode.py --output benchmarks/results/episode.json

All variants have the same weights (random, ResNet-50) and inputs, and take turns in every round, so
a busy machine slows all of them. The result includes the largest difference of each variant's
logits from the literal form.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import compare, write_result
from fewscape.backbones import BackboneConfig, fit_state
from fewscape.core import Episode
from fewscape.models.mgcl import MGCL, from_official
from fewscape.ops import resize_maps
from tests.models.test_mgcl_parity import flatten, make_planes
from tests.reference.mgcl import LiteralMGCL, randomise_batch_norm

SIZE = 256


def build_variants() -> tuple[dict[str, Callable[[], torch.Tensor]], torch.Tensor]:
    """Functions to time, each returning logits (1, 2, 256, 256), and the literal logits."""
    torch.manual_seed(0)
    literal = LiteralMGCL()
    randomise_batch_norm(literal, seed=1)
    literal.eval()
    ours = MGCL(BackboneConfig("resnet50"), variant="reference")
    fit_state(ours, from_official(literal.state_dict()), "literal network")
    ours = ours.eval().to(memory_format=torch.channels_last)
    half = copy.deepcopy(ours).to(torch.bfloat16)

    images = torch.rand(2, 1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(2))
    masks = torch.zeros(1, SIZE, SIZE, dtype=torch.uint8)
    masks[0, 60:180, 40:150] = 1
    planes = [make_planes(seed, 2)[:1] for seed in (3, 4)]
    regions = [flatten(part) for part in planes]
    normal = (images - ours.backbone.mean) / ours.backbone.std
    episode = Episode(
        images[0],
        torch.zeros_like(masks),
        images[1][:, None],
        masks[:, None],
        torch.zeros(1, dtype=torch.long),
        regions[0],
        regions[1][:, None],
    )

    def published() -> torch.Tensor:
        return literal(normal[0], normal[1], masks.float(), *planes)

    def cached(network: MGCL) -> Callable[[], torch.Tensor]:
        with torch.inference_mode():
            support = network.learn(network.encode(images[1], regions[1]), masks)

        def predict() -> torch.Tensor:
            return network.predict(network.encode(images[0], regions[0]), [support]).logits

        return predict

    variants: dict[str, Callable[[], torch.Tensor]] = {
        "published form, float32": published,
        "factored, float32": lambda: ours(episode).logits,
        "factored, bfloat16": lambda: half(episode).logits,
        "factored, float32, support cached": cached(ours),
        "factored, bfloat16, support cached": cached(half),
    }
    with torch.inference_mode():
        expected = published()
    return variants, expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/episode.json"))
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    variants, expected = build_variants()
    with torch.inference_mode():
        differences = {
            name: (resize_maps(run().float(), (SIZE, SIZE)) - expected).abs().max().item()
            for name, run in variants.items()
        }
        result = compare(variants, repeats=arguments.repeats)
    write_result(result, arguments.output, notes={"largest logit difference": differences})


if __name__ == "__main__":
    main()
