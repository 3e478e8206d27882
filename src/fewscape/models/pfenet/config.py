"""The two variants of PFENet: as published, and with the better choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VariantName = Literal["default", "reference"]


@dataclass(frozen=True, slots=True)
class PFENetVariant:
    """Choices in which the published network and ours differ.

    Attributes:
        area_masks: shares of foreground by area, and support positions weighted by their share for
            the prior. Published: bilinear samples at the corners-aligned grid, which miss objects
            smaller than a cell and count a cell fully if it has anything.
        masked_last_stage: compute the support's last stage from masked features, as published;
            this needs a second pass of that stage for every support. Masking afterwards matters
            most, so the default skips the pass and works with any backbone.
        align_corners: alignment of all resizing. Published: true.
        full_logits: upsample the logits to the image inside the network, as published; otherwise
            they stay at stride 8.
        area_smoothing: pixels added to the area of the mask before its mean is taken.
        balanced: whether the auxiliary losses weight foreground and background of every image
            equally, like our recipes for few classes; see ``share_cross_entropy``.
    """

    area_masks: bool
    masked_last_stage: bool
    align_corners: bool
    full_logits: bool
    area_smoothing: float
    balanced: bool


REFERENCE = PFENetVariant(
    area_masks=False,
    masked_last_stage=True,
    align_corners=True,
    full_logits=True,
    area_smoothing=5e-4,
    balanced=False,
)
DEFAULT = PFENetVariant(
    area_masks=True,
    masked_last_stage=False,
    align_corners=False,
    full_logits=False,
    area_smoothing=1e-8,
    balanced=True,
)

VARIANTS: dict[VariantName, PFENetVariant] = {"reference": REFERENCE, "default": DEFAULT}
