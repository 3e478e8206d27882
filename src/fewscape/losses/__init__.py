"""Losses, one per file."""

from fewscape.losses.class_maps import class_cross_entropy, class_dice, find_present
from fewscape.losses.cross_entropy import share_cross_entropy
from fewscape.losses.cross_modal_contrast import (
    ModalSamples,
    compare_regions,
    cross_modal_contrast,
)
from fewscape.losses.dice import share_dice
from fewscape.losses.fisher import fisher_loss
from fewscape.losses.prior_cross_entropy import prior_cross_entropy
from fewscape.losses.scale_cross_entropy import scale_cross_entropy, scale_weights

__all__ = [
    "ModalSamples",
    "class_cross_entropy",
    "class_dice",
    "compare_regions",
    "cross_modal_contrast",
    "find_present",
    "fisher_loss",
    "prior_cross_entropy",
    "scale_cross_entropy",
    "scale_weights",
    "share_cross_entropy",
    "share_dice",
]
