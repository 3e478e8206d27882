"""The variants of DSMF-Net, whose sizes and code were not published."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

VariantName = Literal["default", "light", "reference"]
FusionOrder = Literal["mid", "topdown", "none"]


@dataclass(frozen=True, slots=True)
class DSMFVariant:
    """Choices in which the variants differ.

    Attributes:
        width: channels of the fusion. As reconstructed: 256.
        shared_head: one auxiliary head for all scales instead of one each.
        dropout: share of the concatenated middle channels dropped in training.
        margins: also compare with a prototype of the background, and use the difference of the
            cosines. A single prototype ignores what else the query shows.
        raw_maps: give the fusion the cosines besides the rescaled maps. Rescaling lifts some
            position to one even if the class is absent from the query.
        anchor: add cosines to the prototypes of the backbone's own maps, strides 4 to 32, at stride
            4 as a starting point of the logits: an untrained network decides by prototypes alone.
            Otherwise the logits stay at stride 8.
        direct_weight: weight of a loss on the raw cosines. Otherwise the graphs get gradients only
            through three rescaled maps.
        balanced: weight foreground and background of each image equally in the auxiliary losses.
    """

    width: int
    shared_head: bool
    dropout: float
    margins: bool
    raw_maps: bool
    anchor: bool
    direct_weight: float
    balanced: bool


REFERENCE = DSMFVariant(
    width=256,
    shared_head=False,
    dropout=0.5,
    margins=False,
    raw_maps=False,
    anchor=False,
    direct_weight=0.0,
    balanced=False,
)
LIGHT = replace(REFERENCE, width=128, shared_head=True)
DEFAULT = replace(
    LIGHT,
    dropout=0.1,
    margins=True,
    raw_maps=True,
    anchor=True,
    direct_weight=0.2,
    balanced=True,
)

VARIANTS: dict[VariantName, DSMFVariant] = {
    "reference": REFERENCE,
    "light": LIGHT,
    "default": DEFAULT,
}
