"""Prototypes of foreground and background, and similarities to them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from fewscape.core import check_shape
from fewscape.ops.pooling import pool_masked

PROTOTYPE_EPSILON = 1e-7
"""Added to products of norms."""


def pool_prototypes(maps: torch.Tensor, shares: Sequence[torch.Tensor]) -> torch.Tensor:
    """Weighted mean vectors of one map, normalised to length one; zero without weight.

    Args:
        maps: (B, C, h, w).
        shares: K weights (B, h, w), such as those of foreground and background.

    Returns:
        (B, K, C) float32.

    Examples:
        >>> maps = torch.tensor([[[[3.0, 0.0]], [[4.0, 2.0]]]])
        >>> pool_prototypes(maps, [torch.tensor([[[1.0, 0.0]]])])
        tensor([[[0.6000, 0.8000]]])
    """
    means = torch.stack([pool_masked(maps, share) for share in shares], dim=1)
    return F.normalize(means, dim=2)


def compare_prototypes(maps: torch.Tensor, prototypes: torch.Tensor) -> torch.Tensor:
    """Cosine of every position with every prototype.

    Args:
        maps: (B, C, h, w).
        prototypes: (B or 1, K, C); a zero prototype has similarity zero.

    Returns:
        (B, K, h, w) float32 in [-1, 1].

    Examples:
        >>> compare_prototypes(torch.ones(1, 4, 1, 1), torch.ones(1, 1, 4)).flatten()
        tensor([1.])
    """
    sizes = check_shape(maps, "B C H W", "maps")
    check_shape(prototypes, "B K C", "prototypes", C=sizes["C"])
    rows = maps.flatten(2).float()  # (B, C, N)
    dots = torch.matmul(prototypes.float(), rows)
    own = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    length = torch.linalg.vector_norm(prototypes.float(), dim=2)[:, :, None]
    cosines: torch.Tensor = dots / (own * length + PROTOTYPE_EPSILON)
    return cosines.view(sizes["B"], -1, sizes["H"], sizes["W"])


def weigh_cosines(cosines: Sequence[torch.Tensor], weights: torch.Tensor) -> torch.Tensor:
    """Logits from prototypes alone.

    Args:
        cosines: (B, 2, H, W) of L levels, with the foreground's prototype and the background's.
        weights: (L,) factor of each level.

    Returns:
        (B, 2, H, W), background and foreground.
    """
    weights = weights.to(cosines[0].dtype)
    foreground, background = torch.einsum("l,lbphw->pbhw", weights, torch.stack(list(cosines)))
    return torch.stack([background, foreground], dim=1)
