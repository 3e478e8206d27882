"""The two readings of MGCL: as published, and with the better choices."""

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
        region_anchor: the pixel that lends a cell its region. Published: the upper left corner,
            3.5 to 15.5 pixels away from where the features are centred.
        mask_sampling: share of foreground in a cell. Published: bilinear samples at the
            corners-aligned grid, which miss objects smaller than a cell, and count a cell fully
            for each side of which it has anything; ``area`` counts every pixel, knows 255, and
            lets a cell count for each side by its share.
        align_corners: grid of the decoder's enlargements. Published: true, which stretches the
            maps by up to half a cell against the image.
        full_logits: enlarge the logits to the image inside the network, as published; otherwise
            they stay at stride 4 and whoever needs more enlarges once.
        shot_fusion: published: ``vote``; ``mean_logit`` keeps the confidence of each shot.
        prior: hand the decoder the cosine to the prototype of foreground and background on each
            level and at stride 4, and let it correct their difference instead of starting from
            nothing. The published network has to learn that comparison from scratch, for which
            small training sets do not suffice, and has nothing finer than stride 8.
        support_side: cells a side to which the support of a level is averaged down at most. At
            stride 8 the published network correlates with all 32 x 32, which is most of its run
            time, and forgets where they were in its first strides; 16 cost a quarter.
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
