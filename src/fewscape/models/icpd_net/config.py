"""The two readings of ICPD-Net: as released, and with the better choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MaskSampling = Literal["point", "area"]
EvenOver = Literal["rows", "cells"]
VariantName = Literal["clean", "reference"]
PriorInput = Literal["stack", "statistics"]
PriorSource = Literal["learner", "grad_cam"]
StatisticsName = Literal["backbone", "isaid", "dlrsd"]


@dataclass(frozen=True, slots=True)
class ICPDVariant:
    """Choices in which the released network and ours differ.

    Attributes:
        even_over: over what each channel of CLIP's tokens is scaled before the cosine. Released:
            the 16 rows of each column, by an axis that was not meant; ``cells`` takes all of them,
            which treats both directions alike.
        unit_texts: scale the texts to length one first. Released: as each data set's file has it.
        own_statistics: let CLIP see the images by its own mean and deviation. Released: by those
            of the data set.
        double_sigmoid: loss of the prior learner, see ``prior_cross_entropy``. Released: true.
        divide_by_weight: divisor of the query's prototype. Released: the number of cells, so that
            the prototype is shorter than the vectors that it is mixed with.
        joint_gate: mix into the tokens where any query of the batch has confident cells. Released:
            true, which halves the support of those that have none; otherwise each query decides
            for itself. Ratings of the other grids are stretched, so that one cell always is.
        mask_sampling: share of foreground in a cell. Released: bilinear samples, on one grid for
            mixing and on another for comparing, where any share counts fully; ``area`` counts
            every pixel and lets a cell count by its share. Small objects fall between samples.
        always_shuffle: order the background's names at random when predicting too. Released:
            true; otherwise only in training, so that an image has one answer.
        align_corners: grid of the decoder's enlargements. Released: true.
        full_logits: enlarge the logits to the image inside the network, as released; otherwise
            they stay at stride 4.
    """

    even_over: EvenOver
    unit_texts: bool
    own_statistics: bool
    double_sigmoid: bool
    divide_by_weight: bool
    joint_gate: bool
    mask_sampling: MaskSampling
    always_shuffle: bool
    align_corners: bool
    full_logits: bool


REFERENCE = ICPDVariant(
    even_over="rows",
    unit_texts=False,
    own_statistics=False,
    double_sigmoid=True,
    divide_by_weight=False,
    joint_gate=True,
    mask_sampling="point",
    always_shuffle=True,
    align_corners=True,
    full_logits=True,
)
CLEAN = ICPDVariant(
    even_over="cells",
    unit_texts=True,
    own_statistics=True,
    double_sigmoid=False,
    divide_by_weight=True,
    joint_gate=False,
    mask_sampling="area",
    always_shuffle=False,
    align_corners=False,
    full_logits=False,
)

VARIANTS: dict[VariantName, ICPDVariant] = {"reference": REFERENCE, "clean": CLEAN}

STATISTICS: dict[StatisticsName, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "isaid": ((0.378, 0.380, 0.356), (0.162, 0.156, 0.152)),
    "dlrsd": ((0.432, 0.626, 0.270), (0.277, 0.255, 0.187)),
}
"""Mean and deviation of the bands with which the released weights were trained."""
