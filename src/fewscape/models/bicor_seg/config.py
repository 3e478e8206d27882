"""The readings of BiCoR-Seg: as published, and with the better choices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

VariantName = Literal["default", "reference", "reference_loveda"]


@dataclass(frozen=True, slots=True)
class BiCoRVariant:
    """Choices in which the published training and ours differ.

    Attributes:
        group_by_presence: let an image count for the Fisher loss only with the classes that its
            labels show. Published: all classes of all images, so that embeddings pooled from
            foreign pixels count as samples of a class.
        legacy_mean: divide the cross-entropy by all pixels, unknown ones too, as published.
        count_absent: let classes that a batch does not show count as perfect in the mean of the
            Dice loss, as published.
        table_std: standard deviation of the first table of classes. Published: 0.02; beside what
            the first layer pools from the image, which at first is the same for every class, that
            is nothing: after two layers the embeddings of all classes have a cosine of 0.99 and
            long training has to tell them apart again.
        normalise_fused: bring every channel of the fused map to mean 0 and variance 1 (batch
            normalisation; at inference a part of the linear pyramid), which shortens training.
            Published: as it is.
        last_fisher_weight: weight of one more Fisher loss on the last layer; 1 in the published
            LoveDA recipe, else 0.
    """

    group_by_presence: bool
    legacy_mean: bool
    count_absent: bool
    table_std: float
    normalise_fused: bool
    last_fisher_weight: float = 0.0


REFERENCE = BiCoRVariant(
    group_by_presence=False,
    legacy_mean=True,
    count_absent=True,
    table_std=0.02,
    normalise_fused=False,
)
DEFAULT = BiCoRVariant(
    group_by_presence=True,
    legacy_mean=False,
    count_absent=False,
    table_std=1.0,
    normalise_fused=True,
)

VARIANTS: dict[VariantName, BiCoRVariant] = {
    "reference": REFERENCE,
    "reference_loveda": replace(REFERENCE, last_fisher_weight=1.0),
    "default": DEFAULT,
}
