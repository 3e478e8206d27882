"""One stream per source, on the multispectral grid (docs/methods/dual_source.md#encoders)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.models.dual_source.config import Stem

STEM_WIDTH = 32


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with a skip connection; edges are reflected, so that tiles agree.

    Args:
        in_width: input channels.
        out_width: output channels.
        is_last: whether to skip the last ReLU.
    """

    def __init__(self, in_width: int, out_width: int, is_last: bool = False) -> None:
        super().__init__()
        self.is_last = is_last
        self.body = nn.Sequential(
            _convolve(in_width, out_width),
            nn.BatchNorm2d(out_width),
            nn.ReLU(),
            _convolve(out_width, out_width),
            nn.BatchNorm2d(out_width),
        )
        self.skip: nn.Module = nn.Identity()
        if in_width != out_width:
            self.skip = nn.Sequential(
                nn.Conv2d(in_width, out_width, 1, bias=False), nn.BatchNorm2d(out_width)
            )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) to (B, D, h, w)."""
        total: torch.Tensor = self.body(maps) + self.skip(maps)
        return total if self.is_last else F.relu(total)


class PanStem(nn.Sequential):
    """From the panchromatic to the multispectral grid, without a shift.

    A kernel of 4 with stride 2 and padding 1 maps index i to the coordinate 2 i + 0.5 of its input,
    so that two of them hit the centre 4 i + 1.5 of a multispectral pixel exactly; kernels of 3
    would shift by 1.5 panchromatic pixels.

    Args:
        ratio: 2 or 4.
        width: channels of the result.
    """

    def __init__(self, ratio: int, width: int) -> None:
        layers: list[nn.Module] = [_convolve(1, STEM_WIDTH), nn.BatchNorm2d(STEM_WIDTH), nn.ReLU()]
        before = STEM_WIDTH
        while ratio > 1:
            layers += [
                nn.Conv2d(before, width, 4, 2, 1, bias=False, padding_mode="reflect"),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            before, ratio = width, ratio // 2
        super().__init__(*layers)


class BilinearPan(nn.Module):
    """As published: the middle 2 x 2 of every 4 x 4 pixels, then one convolution.

    Args:
        ratio: 2 or 4.
        width: channels of the result.
    """

    def __init__(self, ratio: int, width: int) -> None:
        super().__init__()
        self.ratio = ratio
        self.head = nn.Sequential(_convolve(1, width), nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, pan: torch.Tensor) -> torch.Tensor:
        """(B, 1, ratio * h, ratio * w) to (B, width, h, w)."""
        size = pan.shape[2] // self.ratio, pan.shape[3] // self.ratio
        shrunk = F.interpolate(pan, size, mode="bilinear", align_corners=False)
        reduced: torch.Tensor = self.head(shrunk)
        return reduced


def make_encoder(source: str, bands: int, ratio: int, width: int, stem: Stem) -> nn.Sequential:
    """Make a stream: a stem, then blocks up to ``width`` channels.

    Args:
        source: ``ms`` or ``pan``.
        bands: number of multispectral bands.
        ratio: see ``PanStem``.
        width: D; the blocks have D / 4, D / 2 and D channels.
        stem: stem of the panchromatic stream.
    """
    narrow, middle = width // 4, width // 2
    if source == "ms":
        begin: nn.Module = nn.Sequential(
            _convolve(bands, narrow), nn.BatchNorm2d(narrow), nn.ReLU()
        )
    else:
        begin = (PanStem if stem == "learned" else BilinearPan)(ratio, narrow)
    return nn.Sequential(
        begin,
        ResidualBlock(narrow, narrow),
        ResidualBlock(narrow, middle),
        ResidualBlock(middle, width, is_last=True),
    )


def _convolve(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=1, bias=False, padding_mode="reflect")
