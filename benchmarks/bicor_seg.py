"""Time and memory of BiCoR-Seg at 512 x 512: the literal published formulas against the fused form.

    .venv/bin/python benchmarks/bicor_seg.py --output benchmarks/results/bicor_seg.json

ConvNeXt-Base with random weights, seven classes, two layers that pool from 2 % of the pixels, as
published for LoveDA; all variants have the same weights and input. Memory is the peak increase of
the resident set of a separate process, forward and backward through one layer on two images.
"""

from __future__ import annotations

import argparse
import copy
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import compare, write_result
from fewscape.backbones import BackboneConfig
from fewscape.models.bicor_seg import BiCoRSeg
from fewscape.models.bicor_seg.refinement import MutualRefinement
from tests.reference import bicor_seg as literal

SIZE = 512
NUM_CLASSES = 7
WIDTH = 256
RATIO = 0.02
FORMS = ("literal", "fused")


def predict_literally(network: BiCoRSeg, images: torch.Tensor) -> torch.Tensor:
    """Logits (B, N, H, W) by the literal formulas."""
    features = literal.fuse_pyramid(network.pyramid, network.backbone(images))
    classes = network.classes.expand(len(images), -1, -1)
    for layer in network.layers:
        classes, features, _ = literal.refine(layer, classes, features)
    maps = network.upsampler(features)
    return torch.einsum("bnc,bchw->bnhw", network.classifier(classes), maps)


def measure_memory(form: str) -> int:
    """Increase of the resident set in bytes; needs a process that does nothing else."""
    torch.manual_seed(0)
    layer = MutualRefinement(WIDTH, RATIO)
    classes = torch.randn(2, NUM_CLASSES, WIDTH, requires_grad=True)
    features = torch.randn(2, WIDTH, SIZE // 4, SIZE // 4, requires_grad=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if form == "literal":
        found = literal.refine(layer, classes, features)
    else:
        found = layer(classes, features.flatten(2).transpose(1, 2))
    sum(part.square().mean() for part in found).backward()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024


def ask_memory(form: str) -> int:
    """Run ``measure_memory`` in a separate process."""
    command = [sys.executable, __file__, "--memory_of", form]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/bicor_seg.json"))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--memory_of", choices=FORMS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        print(measure_memory(arguments.memory_of))
        return
    memory = {form: ask_memory(form) for form in FORMS}
    torch.manual_seed(0)
    backbone = BackboneConfig("convnext_base")
    network = BiCoRSeg(NUM_CLASSES, backbone, topk_ratio=RATIO, variant="reference").eval()
    half = copy.deepcopy(network).to(torch.bfloat16)
    images = torch.rand(1, 3, SIZE, SIZE)
    variants: dict[str, Callable[[], torch.Tensor]] = {
        "literal, float32": lambda: predict_literally(network, images),
        "fused, float32": lambda: network(images).logits,
        "fused, bfloat16": lambda: half(images).logits,
    }
    with torch.inference_mode():
        expected = predict_literally(network, images)
        differences = {
            name: (run().float() - expected).abs().max().item() for name, run in variants.items()
        }
        result = compare(variants, repeats=arguments.repeats)
    notes = {"largest logit difference": differences, "layer, forward and back, bytes": memory}
    write_result(result, arguments.output, notes=notes)


if __name__ == "__main__":
    main()
