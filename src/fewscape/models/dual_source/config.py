"""Switches of the dual source network: the recommended design and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sources = Literal["both", "ms", "pan"]
Fusion = Literal["scores", "sum", "cross"]
Stem = Literal["learned", "bilinear"]


@dataclass(frozen=True, slots=True)
class DualSourceConfig:
    """One switch each for the ablations (docs/methods/dual_source.md).

    Attributes:
        bands: of the multispectral image.
        ratio: panchromatic pixels per multispectral one and axis, 2 or 4.
        width: D, channels of the region vectors.
        sources: which modality describes a pixel.
        stem: ``learned`` keeps detail finer than a multispectral pixel; ``bilinear`` shrinks the
            panchromatic image first, as published, and loses it.
        regions: pool over the superpixels; otherwise every cell speaks for itself.
        key_share: of the regions kept in each modality.
        fusion: ``scores`` weighs the key regions by their agreement, ``cross`` adds what the
            other modality has at similar regions, ``sum`` takes the mean of all regions.
        include_center: classify by the regions at the centre of the window, too.
        temperature: of cosines to prototypes.
    """

    bands: int = 4
    ratio: int = 4
    width: int = 256
    sources: Sources = "both"
    stem: Stem = "learned"
    regions: bool = True
    key_share: float = 0.3
    fusion: Fusion = "scores"
    include_center: bool = True
    temperature: float = 0.1
