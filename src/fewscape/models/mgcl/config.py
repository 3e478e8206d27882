"""The two variants of MGCL: as published, and with the better choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fewscape.ops.resize import Anchor
from fewscape.ops.shots import ShotFusion

MaskSampling = Literal["point", "area"]
VariantName = Literal["default", "reference"]


@dataclass(frozen=True, slots=True)
class MGCLVariant:
    """Choices in which the published network and ours differ.

    Attributes:
        region_anchor: the pixel that determines a cell's region. Published: the upper left corner,
            3.5 to 15.5 pixels off the centre of the features.
        mask_sampling: share of foreground in a cell. Published: bilinear samples at the
            corners-aligned grid, which miss objects smaller than a cell, and count a cell fully
            for each side of which it has anything; ``area`` counts every pixel, respects 255, and
            weights a cell for each side by its share.
        align_corners: alignment of the decoder's upsampling. Published: true, which shifts the maps
            by up to half a cell against the image.
        full_logits: upsample the logits to the image inside the network, as published; otherwise
            they stay at stride 4 and the caller upsamples once.
        shot_fusion: published: ``vote``; ``mean_logit`` keeps the confidence of each shot.
        prior: give the decoder the cosines to the prototypes of foreground and background on each
            level and at stride 4, and let it correct their difference. The published network learns
            that comparison from scratch, for which small training sets are not enough, and has
            nothing finer than stride 8.
        support_side: maximum cells per side of a level's support, which is averaged down. At stride
            8 the published network correlates with all 32 x 32 cells, which is most of its run
            time, and discards their positions in its first strides; 16 cost a quarter.
    """

    region_anchor: Anchor
    mask_sampling: MaskSampling
    align_corners: bool
    full_logits: bool
    shot_fusion: ShotFusion
    prior: bool
    support_side: int


REFERENCE = MGCLVariant("corner", "point", True, True, "vote", prior=False, support_side=32)
DEFAULT = MGCLVariant("centre", "area", False, False, "mean_logit", prior=True, support_side=16)

VARIANTS: dict[VariantName, MGCLVariant] = {"reference": REFERENCE, "default": DEFAULT}
