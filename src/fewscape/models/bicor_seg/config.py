"""The variants of BiCoR-Seg: as published, and with the better choices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

VariantName = Literal["default", "reference", "reference_loveda"]


@dataclass(frozen=True, slots=True)
class BiCoRVariant:
    """Choices in which the published training and ours differ.

    Attributes:
        group_by_presence: use an image in the Fisher loss only for the classes in its labels.
            Published: all classes of all images, so that embeddings pooled from foreign pixels
            count as samples of a class.
        legacy_mean: divide the cross-entropy by all pixels, including unknown ones, as published.
        count_absent: count classes absent from a batch as perfect in the mean of the Dice loss, as
            published.
        table_std: initial standard deviation of the class table. Published: 0.02, which is
            negligible beside what the first layer pools from the image, initially the same for
            every class: after two layers the embeddings of all classes have a cosine of 0.99, and
            long training has to separate them again.
        normalise_fused: batch-normalise the fused map (folded into the linear pyramid at
            inference), which shortens training. Published: no.
        last_fisher_weight: weight of an additional Fisher loss on the last layer; 1 in the
            published LoveDA recipe, otherwise 0.
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
