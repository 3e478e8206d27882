"""Intersection and union: counted first, divided last."""

from __future__ import annotations

import torch

from fewscape.core import IGNORE, check_shape


def count_overlap(
    prediction: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Count pixels in the intersection and union of prediction and mask.

    Unknown pixels (255) are ignored.

    Args:
        prediction: (B, H, W) bool, or integers with 1 for foreground.
        mask: (B, H, W) with 0, 1 and 255.

    Returns:
        Intersection and union, each (B, 2) int64: background, foreground.

    Examples:
        >>> prediction = torch.tensor([[[True, True, False]]])
        >>> mask = torch.tensor([[[1, 0, 255]]])
        >>> [counts.tolist() for counts in count_overlap(prediction, mask)]
        [[[0, 1]], [[1, 2]]]
    """
    check_shape(mask, "B H W", "mask", **check_shape(prediction, "B H W", "prediction"))
    known = mask != IGNORE
    intersections, unions = [], []
    for value in (0, 1):
        predicted = (prediction == value) & known
        wanted = mask == value
        intersections.append((predicted & wanted).flatten(1).sum(1))
        unions.append((predicted | wanted).flatten(1).sum(1))
    return torch.stack(intersections, dim=1), torch.stack(unions, dim=1)


def sum_groups(counts: torch.Tensor, groups: torch.Tensor, num_groups: int) -> torch.Tensor:
    """Sum the counts of each group's episodes.

    Args:
        counts: (E, 2) int64.
        groups: (E,) int64 below ``num_groups``.
        num_groups: number of groups.

    Returns:
        (num_groups, 2) int64; zeros for a group without episodes.

    Examples:
        >>> sum_groups(torch.tensor([[1, 2], [3, 4]]), torch.tensor([1, 1]), 2).tolist()
        [[0, 0], [4, 6]]
    """
    return counts.new_zeros(num_groups, counts.shape[1]).index_add_(0, groups, counts)


def divide_overlap(intersection: torch.Tensor, union: torch.Tensor) -> torch.Tensor:
    """Intersection over union in float64; nan for an empty union.

    Examples:
        >>> divide_overlap(torch.tensor([1, 0]), torch.tensor([4, 0])).tolist()
        [0.25, nan]
    """
    return intersection.double() / union.double()
