"""Annotated cells of every level of a pyramid, and the density ratio that they make."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from fewscape.core import Features, Support
from fewscape.ops import (
    as_rows,
    average_mask,
    choose_concentration,
    describe_within,
    fit_maps,
    log_density_ratio,
    resize_maps,
    sum_moments,
    whiten,
)


def keep_cells(
    views: Sequence[tuple[Features, torch.Tensor]], stride: int
) -> dict[str, torch.Tensor]:
    """All cells of a support with their shares.

    Args:
        views: features with vectors of length one and masks (B, H, W), one pair for each view.
        stride: pixels per cell at least; finer levels are averaged.

    Returns:
        Of each level ``cells0`` (B, N, C), ... and ``shares0`` (B, N, 2), ...: of the foreground
        and of the background, the views one after the other.
    """
    kept: dict[str, torch.Tensor] = {}
    for index in range(len(views[0][0].maps)):
        cells, shares = [], []
        for features, masks in views:
            level = features.maps[index]
            size = tuple(
                max(1, min(own, side // stride))
                for own, side in zip(level.shape[2:], features.size, strict=True)
            )
            cells.append(as_rows(fit_maps(level, (size[0], size[1]))))
            sides = average_mask(masks, (size[0], size[1]))
            shares.append(torch.stack([side.flatten(1) for side in sides], dim=2))
        kept[f"cells{index}"] = torch.cat(cells, dim=1)
        kept[f"shares{index}"] = torch.cat(shares, dim=1)
    return kept


def score_cells(features: Features, supports: Sequence[Support], shrinkage: float) -> torch.Tensor:
    """Log ratio of the densities, mean over the levels at the finest one's resolution.

    Args:
        features: of the queries, vectors of length one.
        supports: of ``keep_cells``; all their cells make one density.
        shrinkage: of the covariance within classes that whitens the cells; 1 leaves them as they
            are.

    Returns:
        (B, h, w) float32.
    """
    finest = (features.maps[0].shape[2], features.maps[0].shape[3])
    ratios = []
    for index, level in enumerate(features.maps):
        cells = torch.cat([support[f"cells{index}"] for support in supports], dim=1)
        shares = torch.cat([support[f"shares{index}"] for support in supports], dim=1)
        within = describe_within(sum_moments(cells, shares), shrinkage)
        anchors = whiten(cells, within)
        ratio = log_density_ratio(
            whiten(as_rows(level), within), anchors, shares, choose_concentration(anchors, shares)
        )
        ratios.append(resize_maps(ratio.view(-1, 1, *level.shape[2:]), finest))
    return torch.stack(ratios).mean(dim=0)[:, 0]
