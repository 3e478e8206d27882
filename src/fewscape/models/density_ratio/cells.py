"""Annotated cells of every level of a pyramid, and their density ratio."""

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
    """Collect all cells of a support with their shares.

    Args:
        views: features with unit vectors and masks (B, H, W), one pair per view.
        stride: minimum pixels per cell; finer levels are averaged.

    Returns:
        For each level ``cells0`` (B, N, C), ... and ``shares0`` (B, N, 2), ... of foreground and
        background, concatenated over views.
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
    """Mean log ratio of the densities over the levels, at the finest resolution.

    Args:
        features: features of the queries, unit vectors.
        supports: results of ``keep_cells``; all their cells form one density.
        shrinkage: shrinkage of the within-class covariance that whitens the cells; 1 for no
            whitening.

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
