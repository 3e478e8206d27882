"""The two readings of PFENet: as published, and with the better choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VariantName = Literal["default", "reference"]


@dataclass(frozen=True, slots=True)
class PFENetVariant:
    """Choices in which the published network and ours differ.

    Attributes:
        area_masks: shares of foreground by area, and support positions that count by their share
            for the prior. Published: bilinear samples at the corners-aligned grid, which miss
            objects smaller than a cell and count a cell fully if it has anything.
        masked_last_stage: compute the support's last stage from masked features, as published;
            this takes a second pass of that stage for every support. Only what is masked after
            it matters much, so the default spares the pass and works with any backbone.
        align_corners: grid of every change of resolution. Published: true.
        full_logits: enlarge the logits to the image inside the network, as published; otherwise
            they stay at stride 8.
        area_smoothing: pixels added to the area of the mask before its mean is taken.
        balanced: whether the auxiliary losses let foreground and background of every image count
            alike, as our recipes for few classes do; see ``share_cross_entropy``.
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
