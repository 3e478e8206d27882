"""The metric in which features tell classes apart, learned on episodes from labelled scenes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from fewscape.core import DatasetError
from fewscape.models.ensemble.labelled_cells import LEAST_CELLS, LabelledCells

STEPS = 4000
"""Episodes, one a step."""

SHOTS = (1, 1, 3)
"""Discs a class in an episode, drawn evenly from these."""

EPISODE_QUERIES = 200
"""Of each class in an episode, cells."""

RATE, TEMPERATURE_RATE, DECAY = 3e-4, 3e-3, 1e-2
"""Of AdamW, for the matrix and for the logarithm of the temperature, which does not decay."""

FIRST_TEMPERATURE = -3.0
"""Logarithm; larger ones start with a loss that undoes the first matrix."""

NOISE, DROPPED = 0.3, 0.2
"""Added deviation of every feature, and share of the features that an episode does without."""

ADDED_VARIANCE = 0.05
"""In the covariance within classes from which the matrix starts."""


def train_metric(cells: Sequence[LabelledCells], steps: int = STEPS, seed: int = 0) -> torch.Tensor:
    """A matrix A (D, D) for ``LearnedMetric``, from prototypical episodes.

    It starts as the inverse square root of the covariance within classes. Each step draws a data
    set, a crop of it, discs of each of its classes, and queries from all over the crop, and lowers
    the cross entropy of log sum_s exp(-t/2 |A q - A m_ks|^2) over the classes k, where m_ks is the
    mean of disc s (after Snell et al., NeurIPS 2017), a soft form of the nearest disc. The
    temperature t is learned too and ends up in A. Data sets count the same.

    Args:
        cells: of labelled crops.
        steps: number of episodes.
        seed: random seed.

    Raises:
        DatasetError: there are no cells.
    """
    if not cells:
        raise DatasetError(
            f"no crop has two classes of {LEAST_CELLS} cells each",
            "a metric is learned from crops with several classes",
            "pack data sets with larger images, or leave fewer of them out",
        )
    generator = np.random.default_rng(seed)
    noise = torch.Generator().manual_seed(seed)
    groups = [[each for each in cells if each.source == name] for name in _list_sources(cells)]
    matrix = _whiten(groups).requires_grad_()
    temperature = torch.tensor(FIRST_TEMPERATURE, requires_grad=True)
    optimiser = torch.optim.AdamW(
        [
            {"params": [matrix], "lr": RATE, "weight_decay": DECAY},
            {"params": [temperature], "lr": TEMPERATURE_RATE, "weight_decay": 0.0},
        ]
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        group = groups[generator.integers(len(groups))]
        discs, queries = _draw_episode(group[generator.integers(len(group))], generator)
        kept = (torch.rand(discs.shape[-1], generator=noise) > DROPPED).float()
        discs, queries = (
            (part + NOISE * torch.randn(part.shape, generator=noise)) * kept
            for part in (discs, queries)
        )
        means = discs.mean(dim=2).flatten(0, 1) @ matrix.T  # (K S, D)
        found = queries.flatten(0, 1) @ matrix.T
        scores = temperature.exp() * (found @ means.T - 0.5 * means.square().sum(dim=1))
        scores = scores.reshape(len(scores), *discs.shape[:2]).logsumexp(dim=2)  # (K Q, K)
        wanted = torch.arange(len(discs)).repeat_interleave(queries.shape[1])
        optimiser.zero_grad()
        F.cross_entropy(scores, wanted).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return (matrix * (0.5 * temperature).exp()).detach()


def _list_sources(cells: Sequence[LabelledCells]) -> list[str]:
    return sorted({each.source for each in cells})


def _draw_episode(
    cells: LabelledCells, generator: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Discs (K, S, cells, D) and queries (K, Q, D) of a crop's K classes."""
    shots = SHOTS[generator.integers(len(SHOTS))]
    drawn = [own[generator.choice(len(own), shots, replace=False)].float() for own in cells.discs]
    count = min(EPISODE_QUERIES, cells.queries.shape[1])
    queries = cells.queries[:, generator.permutation(cells.queries.shape[1])[:count]].float()
    return torch.stack(drawn), queries


def _whiten(groups: Sequence[Sequence[LabelledCells]]) -> torch.Tensor:
    """The inverse of the Cholesky factor of the covariance within classes.

    Each class of a crop counts the same, then each crop of a data set, then each data set.
    """
    within = np.mean([np.mean([_scatter(each) for each in group], axis=0) for group in groups], 0)
    within[np.diag_indices_from(within)] += ADDED_VARIANCE
    return torch.from_numpy(np.linalg.inv(np.linalg.cholesky(within))).float()


def _scatter(cells: LabelledCells) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The mean covariance of a crop's classes."""
    found = [np.cov(own.numpy().T.astype(np.float64)) for own in cells.queries]
    mean: np.ndarray[tuple[int, int], np.dtype[np.float64]] = np.mean(found, axis=0)
    return mean
