"""The few-shot scores of the papers, from the counts of every episode."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torchmetrics import Metric

from fewscape.core import check_shape
from fewscape.metrics.overlap import count_overlap, divide_overlap, sum_groups


class EpisodeOverlap(NamedTuple):
    """Counts of E episodes, int64."""

    intersection: torch.Tensor
    """(E, 2) pixels of background and foreground."""
    union: torch.Tensor
    """(E, 2) likewise."""
    group: torch.Tensor
    """(E,) class number."""

    def score(self) -> dict[str, torch.Tensor]:
        """``miou`` and ``fb_iou`` in [0, 1], see ``EpisodeCounts``; nan without episodes."""
        groups, number = torch.unique(self.group, return_inverse=True)
        per_group = divide_overlap(
            sum_groups(self.intersection, number, len(groups)),
            sum_groups(self.union, number, len(groups)),
        )
        both = divide_overlap(self.intersection.sum(0), self.union.sum(0))
        return {"miou": per_group[:, 1].nanmean(), "fb_iou": both.nanmean()}


class EpisodeCounts(Metric):  # type: ignore[misc]
    """Intersection and union of each episode, and the scores of their sums.

    ``miou`` is the mean over the classes of the foreground IoU, each from intersections and
    unions summed over all episodes of the class (Shaban et al. 2017); averaging the IoU of single
    episodes is a different and usually lower score. ``fb_iou`` is the mean of the foreground and
    the background IoU, each summed over all episodes whatever their class.

    The counts of single episodes are kept, 40 bytes each, since intervals need them; processes
    concatenate them.

    Examples:
        >>> counts = EpisodeCounts()
        >>> mask = torch.tensor([[[1, 1, 0, 0]]])
        >>> counts.update(mask == 1, mask, torch.tensor([7]))
        >>> counts.update(mask == 2, mask, torch.tensor([8]))
        >>> {name: round(value.item(), 3) for name, value in counts.compute().items()}
        {'miou': 0.5, 'fb_iou': 0.583}
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = True

    def __init__(self) -> None:
        super().__init__()
        for name in ("intersections", "unions", "groups"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, prediction: torch.Tensor, mask: torch.Tensor, group: torch.Tensor) -> None:
        """Count some episodes.

        Args:
            prediction: (B, H, W) bool.
            mask: (B, H, W) with 0, 1 and 255.
            group: (B,) int64, one number per class; classes of different data sets need different
                numbers.

        Raises:
            ShapeError: the shapes differ.
        """
        intersection, union = count_overlap(prediction, mask)
        check_shape(group, "B", "group", B=mask.shape[0])
        self.intersections.append(intersection)
        self.unions.append(union)
        self.groups.append(group.to(intersection.device))

    def per_episode(self) -> EpisodeOverlap:
        """The counts of all episodes, in the order of the updates."""
        return EpisodeOverlap(
            _join(self.intersections, 2), _join(self.unions, 2), _join(self.groups)
        )

    def compute(self) -> dict[str, torch.Tensor]:
        """``miou`` and ``fb_iou`` in [0, 1]; nan before any update."""
        return self.per_episode().score()


def _join(parts: torch.Tensor | list[torch.Tensor], *shape: int) -> torch.Tensor:
    if isinstance(parts, torch.Tensor):  # after joining processes
        return parts
    return torch.cat(parts) if parts else torch.zeros(0, *shape, dtype=torch.int64)
