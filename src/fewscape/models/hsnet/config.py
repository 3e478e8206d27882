"""The two variants of HSNet: as published, and with the better choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fewscape.ops.shots import ShotFusion

MaskSampling = Literal["point", "area"]
VariantName = Literal["default", "reference"]


@dataclass(frozen=True, slots=True)
class HSNetVariant:
    """Choices in which the published network and ours differ; for the same reasons as in MGCL.

    Attributes:
        mask_sampling: share of foreground in a cell of the support. Published: bilinear samples
            at the corners-aligned grid, where any share counts fully; ``area`` counts every pixel
            and weights a cell by its share.
        align_corners: alignment of upsampling. Published: true.
        full_logits: upsample the logits to the image inside the network, as published; otherwise
            they stay at stride 4.
        shot_fusion: published: votes, foreground from half of the largest.
        support_side: cells per side to which the support of stride 8 is averaged down; None for no
            change, as published. The tensors of that level are most of the run time, and 16 cells
            cost a quarter of the 32 of a 256 pixel image.
    """

    mask_sampling: MaskSampling
    align_corners: bool
    full_logits: bool
    shot_fusion: ShotFusion
    support_side: int | None


REFERENCE = HSNetVariant("point", True, True, "vote_half", None)
DEFAULT = HSNetVariant("area", False, False, "mean_logit", 16)

VARIANTS: dict[VariantName, HSNetVariant] = {"reference": REFERENCE, "default": DEFAULT}
