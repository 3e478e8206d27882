"""Descriptors of every pixel of a scene at once (docs/methods/dual_source.md#whole-scenes).

Windows of neighbouring pixels share most of their regions. Pixels whose rows and columns have the
same parity share one grid of every second cell. So one matrix product compares blocks of such
pixels with the regions of all their windows, and each pixel picks its own: more products than
needed, but few compared with the encoder's, and no copy of 64 regions per pixel.
"""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F

from fewscape.models.dual_source.network import GRID, DualSource, SceneMaps
from fewscape.ops import select_key_regions

BLOCK = 8
"""Pixels of the same parity along an axis of a block."""
REACH = BLOCK + GRID - 1
"""Regions of a block's windows along an axis."""


@torch.no_grad()
def describe_grid(network: DualSource, maps: SceneMaps) -> torch.Tensor:
    """Descriptors (h, w, D) of all pixels; equal to those of ``gather`` and ``fuse``.

    Args:
        network: the network in evaluation mode.
        maps: result of its ``encode``.
    """
    height, width = maps.size
    found = maps.ms.new_empty(height, width, maps.ms.shape[1])
    if network.config.fusion == "cross":
        for row in range(height):
            pixels = torch.tensor([[row, col] for col in range(width)], device=found.device)
            found[row] = network.fuse(network.gather(maps, pixels))
        return found
    ms, pan = network.select(maps.ms, maps.pan)
    for top, left in product((0, 1), (0, 1)):
        parts = ms[0, :, top::2, left::2], pan[0, :, top::2, left::2]
        found[top::2, left::2] = _describe_parity(network, *parts)
    return found


def _describe_parity(network: DualSource, ms: torch.Tensor, pan: torch.Tensor) -> torch.Tensor:
    """Descriptors (h, w, D) of pixels whose windows begin at each cell of (D, h + 7, w + 7)."""
    height, width = ms.shape[1] - GRID + 1, ms.shape[2] - GRID + 1
    below, beside = -height % BLOCK, -width % BLOCK
    padded = [F.pad(source[None], (0, beside, 0, below), mode="replicate") for source in (ms, pan)]
    means = [F.avg_pool2d(source, GRID, stride=1)[0] for source in padded]
    strips = []
    for row in range(0, height, BLOCK):
        own = [source[0, :, row : row + REACH] for source in padded]
        near = [mean[:, row : row + BLOCK] for mean in means]
        strips.append(_describe_strip(network, *own, *near))
    return torch.cat(strips)[:height, :width]


def _describe_strip(
    network: DualSource,
    ms: torch.Tensor,
    pan: torch.Tensor,
    ms_means: torch.Tensor,
    pan_means: torch.Tensor,
) -> torch.Tensor:
    """Descriptors (8, w, D) of one row of blocks.

    Args:
        network: the network, for its weights and gate.
        ms: (D, 15, w + 7) multispectral regions.
        pan: likewise.
        ms_means: (D, 8, w) means of the windows' regions.
        pan_means: likewise.
    """
    ms_cells, pan_cells = (_cut(source, REACH) for source in (ms, pan))  # (N, D, 225)
    ms_near, pan_near = (_cut(m, BLOCK).transpose(1, 2) for m in (ms_means, pan_means))
    places = _window_places(ms.device).expand(len(ms_cells), -1, -1)  # (N, 64, 64)
    ms_scores, pan_scores = (
        torch.bmm(near, cells).gather(2, places).flatten(0, 1)
        for near, cells in ((pan_near, ms_cells), (ms_near, pan_cells))
    )
    keys = select_key_regions(pan_scores, ms_scores, network.config.key_share).mask
    weights = network.weigh(0.5 * (ms_scores + pan_scores), keys).reshape(places.shape)
    spread = weights.new_zeros(*places.shape[:2], REACH**2).scatter(2, places, weights)
    joined = network.join(ms_cells, pan_cells).transpose(1, 2)
    descriptors = F.normalize(torch.bmm(spread, joined), dim=2)  # (N, 64, D)
    blocks = descriptors.reshape(len(places), BLOCK, BLOCK, -1)
    return blocks.transpose(0, 1).flatten(1, 2)


def _cut(strip: torch.Tensor, side: int) -> torch.Tensor:
    """(N, D, side * side) squares, one every 8 columns, of a strip (D, side, w)."""
    return strip.unfold(2, side, BLOCK).permute(2, 0, 1, 3).flatten(2)


def _window_places(device: torch.device) -> torch.Tensor:
    """(64, 64) indices of the regions of each pixel of a block among the block's 225."""
    pixels, regions = (torch.arange(side, device=device) for side in (BLOCK, GRID))
    along = pixels[:, None] + regions  # (8, 8)
    places = along[:, None, :, None] * REACH + along[None, :, None, :]
    return places.reshape(BLOCK**2, GRID**2)
