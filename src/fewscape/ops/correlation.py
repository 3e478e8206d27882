"""Cosine similarity of every query position with every support position.

The published form (MGCL, FBC) multiplies the support by the foreground and by the background
mask and takes a product for each. A support vector times a weight w >= 0 keeps its direction, so
both follow from one product and a scale per support position: ``support_scale`` as published,
``share_scale`` to weight a position by its share.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from fewscape.ops.pooling import region_slots

EPSILON = 1e-5
"""Added to the norms, as HSNet and MGCL do; keeps empty positions at zero."""


def as_rows(maps: torch.Tensor) -> torch.Tensor:
    """Reshape (B, C, H, W) to (B, N, C); a view if the memory is channels-last.

    Examples:
        >>> as_rows(torch.ones(1, 2, 3, 4)).shape
        torch.Size([1, 12, 2])
    """
    return maps.flatten(2).transpose(1, 2)


def support_scale(norms: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Factor that divides a dot product by the norm of a weighted support vector.

    ``w / (w |s| + eps)``: the dot product of a query with ``w s``, divided by the norm of ``w s``.
    The weight cancels unless it is tiny: a position counts fully or not at all.

    Args:
        norms: (..., N) length of the unweighted vectors.
        weights: (..., N) in [0, 1].

    Returns:
        (..., N); zero where the weight is zero.

    Examples:
        >>> support_scale(torch.tensor([2.0, 2.0]), torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.5000])
    """
    return weights / (weights * norms + EPSILON)


def share_scale(norms: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Factor that turns a dot product into a cosine weighted by the position's share.

    ``w / (|s| + eps)``: a cell that straddles a border counts for each side by its area.

    Args:
        norms: (..., N) length of the vectors.
        shares: (..., N) in [0, 1].

    Returns:
        (..., N).

    Examples:
        >>> share_scale(torch.tensor([2.0, 2.0]), torch.tensor([0.5, 1.0]))
        tensor([0.2500, 0.5000])
    """
    return shares / (norms + EPSILON)


def correlate(query: torch.Tensor, support: torch.Tensor) -> torch.Tensor:
    """Dot products of all normalised query vectors with all unnormalised support vectors.

    Args:
        query: (B, N_query, C).
        support: (B or 1, N_support, C).

    Returns:
        (B, N_query, N_support), not yet divided by the support's norms.
    """
    norms = torch.linalg.vector_norm(query.float(), dim=2, keepdim=True) + EPSILON
    return torch.matmul((query / norms).to(query.dtype), support.transpose(1, 2))


def correlate_regions(
    query: torch.Tensor,
    support: torch.Tensor,
    query_means: torch.Tensor,
    support_means: torch.Tensor,
    query_regions: torch.Tensor,
    support_regions: torch.Tensor,
) -> torch.Tensor:
    """``correlate`` for vectors concatenated with the mean of their region (MGCL, MGFE).

    The vectors ``[F; Z[L]]`` have the dot product ``<F_q, F_s> + <Z_q, Z_s>[L_q, L_s]``: the second
    term is a small table between regions, looked up through the two region maps, so the product
    runs over C channels instead of 2C.

    Args:
        query: (B, N_query, C) feature vectors.
        support: (B or 1, N_support, C).
        query_means: (B, M, C) means of the query's regions, see ``pool_regions``.
        support_means: (B or 1, M, C).
        query_regions: (B, N_query) integer, -1 none.
        support_regions: (B or 1, N_support) integer, -1 none.

    Returns:
        (B, N_query, N_support): dot products of the joined vectors over the norm of the query's.
    """
    norms = joined_norms(query, query_means, query_regions) + EPSILON  # (B, N_query)
    table = torch.matmul(query_means, support_means.transpose(1, 2))  # (B, M, M)
    table = F.pad(table, (0, 1, 0, 1))  # last row and column: no region
    of_query = _pick_rows(table, query_regions)  # (B, N_query, M + 1)
    between = _pick_columns(of_query, support_regions)  # (B, N_query, N_support)
    dots = torch.matmul(query, support.transpose(1, 2))
    return dots.float().add_(between) / norms[:, :, None]


def joined_norms(rows: torch.Tensor, means: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
    """Lengths of ``[F; Z[L]]``: (B, N) float32 from (B, N, C), (B, M, C) and (B, N)."""
    squares = means.float().square().sum(dim=2)  # (B, M)
    squares = F.pad(squares, (0, 1))
    own = rows.float().square().sum(dim=2)
    return (own + squares.gather(1, region_slots(regions, means.shape[1]))).sqrt()


def _pick_rows(table: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
    slots = region_slots(regions, table.shape[1] - 1)
    return table.gather(1, slots[:, :, None].expand(-1, -1, table.shape[2]))


def _pick_columns(rows: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
    slots = region_slots(regions, rows.shape[2] - 1)
    if slots.shape[0] == 1:  # one support for the whole batch: a plain column lookup
        return rows.index_select(2, slots[0])
    return rows.gather(2, slots[:, None, :].expand(-1, rows.shape[1], -1))
