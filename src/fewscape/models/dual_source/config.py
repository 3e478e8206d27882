"""Options of the dual source network: the recommended design and its ablations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sources = Literal["both", "ms", "pan"]
Fusion = Literal["scores", "sum", "cross"]
Stem = Literal["learned", "bilinear"]


@dataclass(frozen=True, slots=True)
class DualSourceConfig:
    """One option per ablation (docs/methods/dual_source.md).

    Attributes:
        bands: number of multispectral bands.
        ratio: panchromatic pixels per multispectral one and axis, 2 or 4.
        width: D, channels of the region vectors.
        sources: which modality describes a pixel.
        stem: ``learned`` keeps detail finer than a multispectral pixel; ``bilinear`` downsamples
            the panchromatic image first, as published, and loses it.
        regions: pool over the superpixels; otherwise cells are independent.
        key_share: share of the regions to keep in each modality.
        fusion: ``scores`` weights the key regions by their agreement, ``cross`` adds the other
            modality at similar regions, ``sum`` is the mean of all regions.
        include_center: also classify by the regions at the centre of the window.
        temperature: temperature of cosines to prototypes.
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
