"""GPML: graph reasoning on maps of the backbone's stages, and their comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import nn

from fewscape.layers import Adjacency, GloRe
from fewscape.ops import compare_prototypes, min_max

WIDTH = 256
"""Channels that every stage is reduced to."""
FIRST_TEMPERATURE = 10.0


class StageGraphs(nn.Module):
    """A reduction, a graph and a calibration of cosines for each stage.

    Args:
        channels: C of the backbone's map by stage; all stages are reduced.
        stages: stages with a graph.
        adjacency: see ``GloRe``.
        calibrated: learn a temperature and a threshold for the cosines of each graph, for the
            loss on the cosines themselves.
    """

    def __init__(
        self,
        channels: Mapping[int, int],
        stages: Sequence[int],
        adjacency: Adjacency,
        calibrated: bool,
    ) -> None:
        super().__init__()
        self.reductions = nn.ModuleDict(
            {str(stage): nn.Conv2d(own, WIDTH, 1, bias=False) for stage, own in channels.items()}
        )
        self.graphs = nn.ModuleDict(
            {str(stage): GloRe(WIDTH, adjacency=adjacency) for stage in stages}
        )
        if calibrated:
            self.temperatures = nn.Parameter(torch.full((len(stages),), FIRST_TEMPERATURE))
            self.thresholds = nn.Parameter(torch.zeros(len(stages)))

    def reduce(self, maps: Mapping[int, torch.Tensor]) -> dict[int, torch.Tensor]:
        """(B, C, h, w) of each stage to (B, WIDTH, h, w), before the graphs."""
        return {
            stage: F.relu(self.reductions[str(stage)](grid))
            for stage, grid in maps.items()
            if str(stage) in self.reductions
        }

    def reason(self, reduced: Mapping[int, torch.Tensor]) -> dict[int, torch.Tensor]:
        """Maps of the stages with graphs, after reasoning."""
        return {int(stage): graph(reduced[int(stage)]) for stage, graph in self.graphs.items()}

    def calibrate(self, cosines: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Logits (B, 2, h, w), background and foreground, of raw cosines (B, 1, h, w)."""
        logits = []
        for index, own in enumerate(cosines):
            score = self.temperatures[index] * (own - self.thresholds[index])
            logits.append(torch.cat([torch.zeros_like(score), score], dim=1))
        return logits


def compare_graphs(maps: torch.Tensor, prototypes: torch.Tensor) -> torch.Tensor:
    """Similarity of each position to the class: (B, 1, h, w) float32.

    Args:
        maps: (B, C, h, w).
        prototypes: (B or 1, 1 or 2, C); for two, the result is half the difference of the cosines,
            which stays in [-1, 1].
    """
    cosines = compare_prototypes(maps, prototypes)
    if cosines.shape[1] == 1:
        return cosines
    return (cosines[:, :1] - cosines[:, 1:]) / 2


def stretch(similarity: torch.Tensor) -> torch.Tensor:
    """Probability map (B, 1, h, w), rescaled to [0, 1] per image."""
    return min_max(similarity.flatten(1), detach=True).view(similarity.shape)
