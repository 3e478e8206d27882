"""Time of the dual source network's descriptors: pixel by pixel and for a whole scene at once.

    .venv/bin/python -m benchmarks.dense_pixels --output benchmarks/results/dense_pixels.json

``gather`` copies the 64 regions of every pixel's window and fuses them, 4,096 pixels at a time;
``at once`` compares blocks of pixels with the regions of all their windows. The encoder, which both
need, is timed as well. The result includes the share of pixels whose descriptors differ by more
than 1e-5: if the scores of two regions tie to the last bit, either may be a key region.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from benchmarks.common import compare, write_result
from fewscape.models.dual_source import DualSource, DualSourceConfig, SceneMaps, describe_grid

SIDE = 96
"""Size of the scene in multispectral pixels."""
WIDTHS = (64, 256)
CHUNK = 4096


def gather_all(network: DualSource, maps: SceneMaps) -> torch.Tensor:
    """Descriptors (h, w, D), pixel by pixel."""
    pixels = torch.cartesian_prod(*(torch.arange(side) for side in maps.size))
    parts = [network.fuse(network.gather(maps, part)) for part in pixels.split(CHUNK)]
    return torch.cat(parts).reshape(*maps.size, -1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/dense_pixels.json"))
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    ms, pan = torch.randn(4, SIDE, SIDE), torch.randn(1, 4 * SIDE, 4 * SIDE)
    blocks = torch.arange(4 * SIDE) // 8
    regions = blocks[:, None] * (SIDE // 2) + blocks
    variants: dict[str, Callable[[], object]] = {}
    differences: dict[str, float] = {}
    with torch.inference_mode():
        for width in WIDTHS:
            network = DualSource(DualSourceConfig(width=width)).eval()
            maps = network.encode(ms, pan, regions)
            variants[f"width {width}, gather"] = partial(gather_all, network, maps)
            variants[f"width {width}, at once"] = partial(describe_grid, network, maps)
            variants[f"width {width}, encoder"] = partial(network.encode, ms, pan, regions)
            apart = (gather_all(network, maps) - describe_grid(network, maps)).abs().amax(dim=2)
            differences[f"width {width}"] = (apart > 1e-5).float().mean().item()
        result = compare(variants, repeats=arguments.repeats)
    write_result(result, arguments.output, notes={"share of other pixels": differences})


if __name__ == "__main__":
    main()
