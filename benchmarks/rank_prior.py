"""Time of ICPD-Net's rank prior: one query position at a time, as published, and all at once.

    .venv/bin/python benchmarks/rank_prior.py --output benchmarks/results/rank_prior.json

The maps have the sizes of a ResNet-50 at 256 pixels: 32 x 32 cells at stride 8, 16 x 16 at stride
16. The loop sorts the support for each query position and adds the gains of the ranks. Both give
the same values; the result includes their largest difference. The cosine prior of the same vectors
is timed for comparison; it needs no sorting.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import compare, write_result
from fewscape.ops import mean_cosine_prior, rank_prior

GRIDS = {"stride 8": (32, 512), "stride 16": (16, 1024)}
"""Cells per side, and channels."""


def rank_by_loop(
    query: torch.Tensor, support: torch.Tensor, foreground: torch.Tensor
) -> torch.Tensor:
    """Rank prior (1, N) of features (1, N, C) twice and a mask (1, N), by position."""
    count = int(foreground.sum())
    discounts = 1 / torch.log2(torch.arange(1, count + 1) + 1.0)
    scores = []
    for vector in query[0]:
        distances = (support[0] - vector).square().sum(dim=1)
        nearest = distances.argsort(stable=True)[:count]
        scores.append((foreground[0][nearest] * discounts).sum() / discounts.sum())
    return torch.stack(scores)[None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/rank_prior.json"))
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    variants: dict[str, Callable[[], torch.Tensor]] = {}
    differences: dict[str, float] = {}
    generator = torch.Generator().manual_seed(0)
    for title, (side, channels) in GRIDS.items():
        query, support = torch.randn(2, 1, side * side, channels, generator=generator)
        foreground = torch.rand(1, side * side, generator=generator) < 0.2
        forms = {"loop": rank_by_loop, "at once": rank_prior}
        for name, form in forms.items():
            variants[f"{title}, {name}"] = partial(form, query, support, foreground)
        variants[f"{title}, cosine"] = partial(
            mean_cosine_prior, query, support, foreground.float()
        )
        expected = rank_by_loop(query, support, foreground)
        own = rank_prior(query, support, foreground)
        differences[title] = (own - expected).abs().max().item()
    with torch.inference_mode():
        result = compare(variants, repeats=arguments.repeats)
    write_result(result, arguments.output, notes={"largest difference": differences})


if __name__ == "__main__":
    main()
