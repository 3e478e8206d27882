"""The readings of DSMF-Net, whose sizes and code were not published."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

VariantName = Literal["default", "light", "reference"]
FusionOrder = Literal["mid", "topdown", "none"]


@dataclass(frozen=True, slots=True)
class DSMFVariant:
    """Choices in which the readings differ.

    Attributes:
        width: channels of the fusion. As reconstructed: 256.
        shared_head: one auxiliary head for all scales in place of one each.
        dropout: share of the joined middle channels that training drops.
        margins: compare with a prototype of the background too, and take the difference of the
            cosines. One prototype alone says nothing of what else the query shows.
        raw_maps: give the fusion the cosines beside the stretched maps. Stretching lifts some
            position to one even where the query shows nothing of the class.
        anchor: let cosines to the prototypes of the backbone's own maps, strides 4 to 32, enter at
            stride 4, and let the logits start from them: an untrained network decides by
            prototypes alone. Otherwise the logits stay at stride 8.
        direct_weight: weight of a loss on the raw cosines themselves. The gradient that reaches
            the graphs through the fusion passes three stretched maps only.
        balanced: let foreground and background of each image count alike in the auxiliary losses.
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
