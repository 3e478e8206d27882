"""A tiny transformer with random weights that replaces CLIP in tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.backbones.clip import ClipEncoder

SEED = 20250


class StubClip(ClipEncoder):
    """One block over 16 x 16 patches; the same weights every time.

    Its results are meaningless: images and names were never trained together.

    Args:
        width: length of the vectors.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.side = 64
        self.width = width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            self.visual = _Tower(width, patch=4, cells=(self.side // 4) ** 2)
        self.freeze()

    @property
    def last_norm(self) -> nn.Module:
        """The norm before the attention."""
        return self.visual.norm

    def tokens(self, pixels: torch.Tensor) -> torch.Tensor:
        """The projected patches."""
        cells = self.side // self.visual.patches.kernel_size[0]
        rows: torch.Tensor = self.visual(pixels)[:, 1:]
        return rows.view(len(pixels), cells, cells, self.width)

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        """The projected class token."""
        embedded: torch.Tensor = self.visual(pixels)[:, 0]
        return embedded

    def encode_text(self, names: Sequence[str]) -> torch.Tensor:
        """A fixed random vector for each name."""
        return torch.stack([self._draw(name) for name in names])

    def _draw(self, name: str) -> torch.Tensor:
        digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest, "big"))
        return torch.randn(self.width, generator=generator)


class _Tower(nn.Module):
    """Patches, attention, a multilayer perceptron, projection: (B, 3, H, W) to (B, 1 + N, C)."""

    def __init__(self, width: int, patch: int, cells: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.first = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 1 + cells, width) / 2)
        self.norm = nn.LayerNorm(width)
        self.joint = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.projection = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width, bias=False))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        rows = self.patches(pixels).flatten(2).transpose(1, 2)
        rows = torch.cat([self.first.expand(len(rows), -1, -1), rows], dim=1) + self.positions
        attended = F.scaled_dot_product_attention(*self.joint(self.norm(rows)).chunk(3, dim=2))
        rows = rows + self.out(attended)
        projected: torch.Tensor = self.projection(rows + self.mlp(rows))
        return projected
