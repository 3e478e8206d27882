"""DualSource: describes a pixel by the regions on which both sources agree."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.core import ConfigError, ShapeError, check_shape
from fewscape.datasets.pan_ms import CUT_PERCENTILES
from fewscape.models.dual_source.config import DualSourceConfig
from fewscape.models.dual_source.encoder import make_encoder
from fewscape.ops import region_membership, score_regions, select_key_regions, share_regions

WINDOW = 16
"""Side of a pixel's window on the multispectral grid."""
BEFORE, AFTER = 7, 8
"""Cells of the window before and after its pixel."""
GRID = 8
"""Regions of a window along an axis; each is the mean of 2 x 2 cells."""
CENTER = (3, 4)
"""Rows and columns of the regions that touch the window's centre."""
MAX_GATE = 2.0


class SceneMaps(NamedTuple):
    """Both sources of a scene, encoded and pooled over shared regions."""

    ms: torch.Tensor
    """(1, D, h + 14, w + 14) vectors of length 1; windows begin at the pixel's row and column."""
    pan: torch.Tensor
    """Likewise."""
    size: tuple[int, int]
    """h and w, the multispectral grid."""


class PixelRegions(NamedTuple):
    """The windows of P pixels."""

    ms: torch.Tensor
    """(P, R, D), vectors of length 1."""
    pan: torch.Tensor
    """Likewise."""
    keys: torch.Tensor
    """(P, R) bool, key regions."""
    num_completed: torch.Tensor
    """() number of pixels with completed key regions."""
    scores: torch.Tensor
    """(P, R) agreement of the two sources."""


class DualSource(nn.Module):
    """Few-shot classification of pixels by panchromatic and multispectral pairs.

    The design is in docs/methods/dual_source.md: two encoders, shared superpixels, key regions
    chosen by agreement with the other source, and descriptors compared with prototypes. A scene is
    encoded once, fully convolutionally, in training and in mapping; the window of a pixel is
    gathered from it.

    Args:
        config: see ``DualSourceConfig``.
    """

    name: ClassVar[str] = "dual_source"

    def __init__(self, config: DualSourceConfig | None = None) -> None:
        super().__init__()
        self.config = config or DualSourceConfig()
        if self.config.ratio not in (2, 4) or self.config.width % 8:
            raise ConfigError(
                f"a ratio of {self.config.ratio} and a width of {self.config.width}",
                "expected a ratio of 2 or 4 and a multiple of 8",
            )
        self.ms, self.pan = (
            make_encoder(
                source, self.config.bands, self.config.ratio, self.config.width, self.config.stem
            )
            for source in ("ms", "pan")
        )
        self.gate = nn.Parameter(torch.zeros(()))

    def describe(self) -> dict[str, Any]:
        """The constructor's arguments as plain data."""
        return asdict(self.config)

    def describe_input(self) -> dict[str, Any]:
        """How a pair's values are preprocessed."""
        return {
            "bands": ["blue", "green", "red", "near infrared"][: self.config.bands],
            "scale": "cut each band at two percentiles of the scene, then mean 0 and variance 1",
            "percentiles": list(CUT_PERCENTILES),
            "regions": {"method": "slic on the panchromatic image"},
        }

    def encode(self, ms: torch.Tensor, pan: torch.Tensor, regions: torch.Tensor) -> SceneMaps:
        """Encode a scene, or a tile with its halo.

        Args:
            ms: (bands, h, w), normalised.
            pan: (1, ratio * h, ratio * w), normalised.
            regions: (ratio * h, ratio * w) superpixels from 0.

        Raises:
            ShapeError: the sizes do not match the ratio, or the scene is smaller than a window.
        """
        sizes = check_shape(ms, "C h w", "ms", C=self.config.bands)
        height, width = sizes["h"], sizes["w"]
        fine = {"H": height * self.config.ratio, "W": width * self.config.ratio}
        check_shape(pan, "1 H W", "pan", **fine)
        check_shape(regions, "H W", "regions", **fine)
        if min(height, width) <= AFTER:
            raise ShapeError(
                f"a scene of {height} x {width} multispectral pixels",
                f"expected at least {AFTER + 1} per side",
            )
        maps = torch.cat([self.ms(ms[None]), self.pan(pan[None])])
        if self.config.regions:
            maps = share_regions(maps, region_membership(regions, self.config.ratio))
        padded = F.pad(maps, (BEFORE, AFTER, BEFORE, AFTER), mode="reflect")
        blocks = F.normalize(F.avg_pool2d(padded, 2, stride=1), dim=1)
        return SceneMaps(blocks[:1], blocks[1:], (height, width))

    def gather(self, maps: SceneMaps, pixels: torch.Tensor) -> PixelRegions:
        """Gather the windows of pixels.

        Args:
            maps: result of ``encode``.
            pixels: (P, 2) row and column on the multispectral grid.
        """
        steps = 2 * torch.arange(GRID, device=pixels.device)
        rows = (pixels[:, :1] + steps)[:, :, None]  # (P, 8, 1)
        cols = (pixels[:, 1:] + steps)[:, None]  # (P, 1, 8)
        sources = self.select(maps.ms, maps.pan)
        ms, pan = (source[0][:, rows, cols].flatten(2).permute(1, 2, 0) for source in sources)
        ms_scores, pan_scores = score_regions(ms, pan), score_regions(pan, ms)
        chosen = select_key_regions(pan_scores, ms_scores, self.config.key_share)
        return PixelRegions(ms, pan, *chosen, 0.5 * (ms_scores + pan_scores))

    def select(self, ms: torch.Tensor, pan: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Select both sources, or one of them twice: a single source agrees with itself."""
        match self.config.sources:
            case "ms":
                return ms, ms
            case "pan":
                return pan, pan
        return ms, pan

    def fuse(self, regions: PixelRegions) -> torch.Tensor:
        """Descriptors (P, D) of length 1."""
        ms, pan = regions.ms, regions.pan
        if self.config.fusion == "cross" and self.config.sources == "both":
            ms, pan = _attend(ms, pan), _attend(pan, ms)
        weights = self.weigh(regions.scores, regions.keys)
        return F.normalize((weights[:, :, None] * self.join(ms, pan)).sum(dim=1), dim=1)

    def join(self, ms: torch.Tensor, pan: torch.Tensor) -> torch.Tensor:
        """Vectors of regions: one source, or the sum of both with a learned gate."""
        if self.config.sources != "both":
            return ms
        return ms + MAX_GATE * torch.sigmoid(self.gate) * pan

    def weigh(self, scores: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """Weights (P, R) of the regions in the descriptor; they sum to 1.

        Args:
            scores: (P, R) agreement of the sources.
            keys: (P, R) bool, key regions.
        """
        if self.config.fusion != "scores":
            return torch.full_like(scores, 1 / scores.shape[1])
        allowed = keys
        if self.config.include_center:
            allowed = allowed | _center_mask(keys.device)
        logits = scores / self.config.temperature
        return logits.masked_fill(~allowed, -torch.inf).softmax(dim=1)

    def pool_keys(self, regions: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """Descriptors (P, D) of one source: normalised means over the key regions."""
        return F.normalize((regions * keys[:, :, None]).sum(dim=1), dim=1)


def _attend(own: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Add the other source at similar regions (scale 10)."""
    similar = torch.matmul(own, other.transpose(1, 2)) * 10
    return own + torch.matmul(similar.softmax(dim=2), other)


def _center_mask(device: torch.device) -> torch.Tensor:
    """(R,) bool, the four regions around the window's centre."""
    place = torch.arange(GRID, device=device)
    inside = (place >= CENTER[0]) & (place <= CENTER[1])
    return (inside[:, None] & inside).flatten()
