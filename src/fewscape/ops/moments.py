"""First and second moments of classes, and the statistics derived from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from fewscape.core import check_shape

MIN_COUNT = 1e-8
"""Added to counts before dividing; far below the weight of a single pixel."""
LEAST_VARIANCE = 1e-6
"""Minimum mean variance within classes of unit vectors, so that the covariance of constant classes
stays invertible."""


class Moments(NamedTuple):
    """Weighted sums over the cells of K classes; sums of several images add up."""

    counts: torch.Tensor
    """(B, K)."""
    sums: torch.Tensor
    """(B, K, C)."""
    squares: torch.Tensor
    """(B, K, C, C): sums of outer products."""


def sum_moments(rows: torch.Tensor, weights: torch.Tensor) -> Moments:
    """Sum the moments of the classes, in float32 even under autocast.

    Args:
        rows: (B, N, C).
        weights: (B, N, K), not negative, such as shares of foreground and background; a class
            without weight has moments zero.

    Examples:
        >>> moments = sum_moments(torch.tensor([[[1.0], [3.0]]]), torch.ones(1, 2, 1))
        >>> [part.flatten().item() for part in moments]
        [2.0, 4.0, 10.0]
    """
    sizes = check_shape(rows, "B N C", "rows")
    check_shape(weights, "B N K", "weights", B=sizes["B"], N=sizes["N"])
    with torch.autocast(rows.device.type, enabled=False):
        rows, weights = rows.float(), weights.float()
        weighted = rows[:, None] * weights.transpose(1, 2)[..., None]  # (B, K, N, C)
        squares = weighted.transpose(2, 3) @ rows[:, None]  # (B, K, C, C)
        return Moments(weights.sum(dim=1), weighted.sum(dim=2), squares)


def join_moments(parts: Sequence[Moments]) -> Moments:
    """Sum the moments over images, as if all cells were in one image."""
    counts, sums, squares = zip(*parts, strict=True)
    return Moments(sum(counts), sum(sums), sum(squares))


def describe_within(moments: Moments, shrinkage: float) -> torch.Tensor:
    """Within-class covariance, shrunk towards a sphere.

    (1 - s) S + s tr(S) / C I (Friedman, Regularized Discriminant Analysis, JASA 1989, eq. 18),
    with S the mean of the classes' covariances, so that rare and common classes have equal weight.

    Args:
        moments: classes without weight are ignored; if there are no others, S is the sphere of
            ``LEAST_VARIANCE``.
        shrinkage: s, above 0 and at most 1.

    Returns:
        (B, C, C) float32, positive definite.

    Examples:
        >>> moments = sum_moments(torch.tensor([[[1.0], [3.0]]]), torch.ones(1, 2, 1))
        >>> describe_within(moments, 0.5).item()
        1.0
    """
    has_cells = (moments.counts > 0).float()  # (B, K)
    counts = moments.counts + MIN_COUNT
    means = moments.sums / counts[..., None]  # (B, K, C)
    covariances = (
        moments.squares / counts[..., None, None] - means[..., :, None] * means[..., None, :]
    )
    covariances = covariances * has_cells[..., None, None]
    within = covariances.sum(dim=1) / has_cells.sum(dim=1).clamp(min=1)[:, None, None]
    variance = within.diagonal(dim1=1, dim2=2).mean(dim=1).clamp(min=LEAST_VARIANCE)  # (B,)
    sphere = torch.eye(within.shape[1], device=within.device) * variance[:, None, None]
    shrunk: torch.Tensor = (1 - shrinkage) * within + shrinkage * sphere
    return shrunk


def separate(moments: Moments, shrinkage: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Linear discriminant of foreground against background (Fisher 1936) at equal priors.

    Args:
        moments: moments of two classes, foreground first.
        shrinkage: see ``describe_within``.

    Returns:
        Weights (B, C) and offsets (B,) float32: ``rows @ weights + offset`` is the log ratio of
        two normal densities with the covariance of ``describe_within``. If only one class has
        cells, the weights are zero and the offset is 1 for foreground, -1 for background; 0 if both
        are missing.

    Examples:
        >>> rows = torch.tensor([[[0.0], [2.0], [4.0], [6.0]]])
        >>> sides = torch.tensor([[[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]])
        >>> [part.item() for part in separate(sum_moments(rows, sides), 0.5)]
        [4.0, -12.0]
    """
    has_cells = (moments.counts > 0).float()
    has_both = has_cells.prod(dim=1)
    with torch.autocast(moments.sums.device.type, enabled=False):
        means = moments.sums / (moments.counts + MIN_COUNT)[..., None]  # (B, 2, C)
        within = describe_within(moments, shrinkage)
        difference = (means[:, 0] - means[:, 1]) * has_both[:, None]
        weights: torch.Tensor = torch.linalg.solve(within, difference)
        offsets = -0.5 * (weights * means.sum(dim=1)).sum(dim=1)
    return weights, offsets + has_cells[:, 0] - has_cells[:, 1]


def whiten(rows: torch.Tensor, within: torch.Tensor) -> torch.Tensor:
    """Whiten vectors by a covariance, and normalise them to length one.

    The inverse Cholesky factor is used; any other square root rotates all vectors equally and keeps
    their cosines.

    Args:
        rows: (B, N, C).
        within: (B or 1, C, C), positive definite.

    Returns:
        (B, N, C) float32.

    Examples:
        >>> whiten(torch.tensor([[[4.0, 3.0]]]), torch.diag(torch.tensor([4.0, 1.0]))[None])
        tensor([[[0.5547, 0.8321]]])
    """
    with torch.autocast(rows.device.type, enabled=False):
        factor = torch.linalg.cholesky(within)
        eye = torch.eye(within.shape[1], device=within.device)
        inverse = torch.linalg.solve_triangular(factor, eye, upper=False)  # (B or 1, C, C)
        return torch.nn.functional.normalize(rows.float() @ inverse.transpose(1, 2), dim=2)
