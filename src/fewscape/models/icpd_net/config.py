"""The two variants of ICPD-Net: as released, and with the better choices."""

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
        even_over: axis over which each channel of CLIP's tokens is scaled before the cosine.
            Released: the 16 rows of each column, apparently the wrong axis; ``cells`` scales over
            all of them, which treats both directions equally.
        unit_texts: normalise the texts to length one first. Released: as in each data set's file.
        own_statistics: normalise images for CLIP with its own mean and deviation. Released: with
            those of the data set.
        double_sigmoid: loss of the prior learner, see ``prior_cross_entropy``. Released: true.
        divide_by_weight: divide the query's prototype by the sum of weights. Released: by the
            number of cells, so that it is shorter than the vectors that it is mixed with.
        joint_gate: mix into the tokens if any query of the batch has confident cells. Released:
            true, which halves the support of queries without any; otherwise each query decides for
            itself. Ratings of the other grids are rescaled, so that at least one cell is confident.
        mask_sampling: share of foreground in a cell. Released: bilinear samples, on one grid for
            mixing and on another for comparing, where any share counts fully, and small objects
            fall between samples; ``area`` counts every pixel and weights a cell by its share.
        always_shuffle: shuffle the background's names at prediction too. Released: true; otherwise
            only in training, so that predictions are deterministic.
        align_corners: alignment of the decoder's upsampling. Released: true.
        full_logits: upsample the logits to the image inside the network, as released; otherwise
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
"""Mean and deviation of the bands in the training of the released weights."""
