"""Fisher loss: embeddings compact within classes and separate between them."""

from __future__ import annotations

import torch

from fewscape.core import check_shape
from fewscape.ops import widen

MIN_BETWEEN = 1e-4
EPSILON = 1e-6


def fisher_loss(embeddings: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
    """Scatter within classes over scatter between them (BiCoR-Seg, cross-layer Fisher loss).

    The scatter between classes is the mean squared distance of all pairs of class means, computed
    from their deviations from the overall mean: ``2 / (N - 1) * sum |mu_n - mu|^2``.

    Args:
        embeddings: (B, N, D) of each image and class.
        present: (B, N) bool, the samples to use; all if None, as published. A class needs one
            sample for its mean and two for the scatter within.

    Returns:
        A scalar, float32 or wider; zero if fewer than two classes have a sample.

    Examples:
        >>> apart = torch.tensor([[[0.0], [4.0]], [[2.0], [4.0]]])
        >>> round(fisher_loss(apart).item(), 4)
        0.0556
    """
    sizes = check_shape(embeddings, "B N D", "embeddings")
    own = widen(embeddings)
    counts = own.new_ones(sizes["B"], sizes["N"]) if present is None else present.to(own.dtype)
    samples = counts.sum(dim=0)  # (N,)
    means = (own * counts[:, :, None]).sum(dim=0) / samples.clamp(min=1)[:, None]
    repeated = counts if present is None else counts * (samples > 1)
    distances = (own - means).square().sum(dim=2)
    within = (distances * repeated).sum() / repeated.sum().clamp(min=1)
    is_seen = (samples > 0).to(own.dtype)
    num_seen = is_seen.sum()
    centre = (means * is_seen[:, None]).sum(dim=0) / num_seen.clamp(min=1)
    spread = ((means - centre).square().sum(dim=1) * is_seen).sum()
    between = 2 / (num_seen - 1).clamp(min=1) * spread
    return within / (between.clamp(min=MIN_BETWEEN) + EPSILON) * (num_seen > 1)
