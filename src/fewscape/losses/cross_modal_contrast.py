"""Contrastive loss between key regions of one modality and supports of the other.

See docs/methods/dual_source.md#contrast.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from fewscape.ops import widen

MARGIN = 0.2
PROTOTYPE, NEAREST, SECOND = 0.5, 0.25, 0.25
"""Weights of the similarities to the prototype and to two supports."""


class ModalSamples(NamedTuple):
    """The vectors of one modality in an episode, all of length 1."""

    regions: torch.Tensor
    """(Q, R, C) regions of the queries."""
    supports: torch.Tensor
    """(S, C) descriptors of the supports."""
    prototypes: torch.Tensor
    """(K, C) prototypes of the classes."""


def cross_modal_contrast(
    first: ModalSamples,
    second: ModalSamples,
    keys: torch.Tensor,
    query_classes: torch.Tensor,
    support_classes: torch.Tensor,
    margin: float = MARGIN,
) -> torch.Tensor:
    """Mean of both directions: regions of each modality against supports of the other.

    The positive similarity of a key region is half its similarity to the prototype of its class
    plus a quarter each of the largest and smallest to supports of the class. The negative one is
    half the largest similarity to prototypes of other classes plus a quarter each of the two
    largest to their supports.

    Args:
        first: one modality.
        second: the other.
        keys: (Q, R) bool, the key regions.
        query_classes: (Q,) numbers below K.
        support_classes: (S,) likewise.
        margin: by which the positive similarity should exceed the negative one.

    Returns:
        A scalar, float32 or wider; zero without a key region or with a single class.
    """
    arguments = keys, query_classes, support_classes, margin
    return 0.5 * (
        _one_direction(first, second, *arguments) + _one_direction(second, first, *arguments)
    )


def _one_direction(
    anchors: ModalSamples,
    other: ModalSamples,
    keys: torch.Tensor,
    query_classes: torch.Tensor,
    support_classes: torch.Tensor,
    margin: float,
) -> torch.Tensor:
    positive, negative = compare_regions(anchors.regions, other, query_classes, support_classes)
    hinge = F.relu(margin + negative - positive) * keys
    return hinge.sum() / keys.sum().clamp(min=1)


def compare_regions(
    regions: torch.Tensor,
    other: ModalSamples,
    query_classes: torch.Tensor,
    support_classes: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Positive and negative similarity (Q, R) of every region, see ``cross_modal_contrast``.

    Without another class the negative similarity is -1, the minimum.
    """
    wide = widen(regions)
    to_prototypes = torch.matmul(wide, widen(other.prototypes).t())  # (Q, R, K)
    to_supports = torch.matmul(wide, widen(other.supports).t())  # (Q, R, S)
    classes = torch.arange(len(other.prototypes), device=regions.device)
    own_prototype = (query_classes[:, None] == classes)[:, None]  # (Q, 1, K)
    own_support = (query_classes[:, None] == support_classes)[:, None]  # (Q, 1, S)
    nothing = to_supports.new_tensor(torch.inf)
    positive = (
        PROTOTYPE * (to_prototypes * own_prototype).sum(dim=2)
        + NEAREST * torch.where(own_support, to_supports, -nothing).amax(dim=2)
        + SECOND * torch.where(own_support, to_supports, nothing).amin(dim=2)
    )
    foreign = torch.where(own_support, -nothing, to_supports)
    best = foreign.topk(min(2, foreign.shape[2]), dim=2).values
    nearest, second = best[..., 0], best[..., -1]
    second = torch.where(second.isinf(), nearest, second)
    wrong = torch.where(own_prototype, -nothing, to_prototypes).amax(dim=2)
    negative = PROTOTYPE * wrong + NEAREST * nearest + SECOND * second
    return positive, negative.clamp(min=-1)
