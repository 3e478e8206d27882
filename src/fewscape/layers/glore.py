"""Global reasoning over a small graph of nodes (GloRe, Chen et al., CVPR 2019)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

Adjacency = Literal["static", "dynamic"]


class GloRe(nn.Module):
    """Gathers positions into nodes, exchanges states between nodes and maps them back.

    Sums over positions are divided by their number, which makes them independent of the window size
    and safe in half precision. The last norm starts with scale zero, so a new unit is the identity.

    Args:
        channels: C of the maps.
        nodes: N of the graph.
        states: S, length of a node's vector; the paper takes twice the nodes.
        adjacency: ``static`` learns one adjacency, as published; ``dynamic`` computes it from the
            nodes of each image, ``softmax(V^T V / sqrt(S))``.
        groups: groups of the group norm that replaces the paper's batch norm, so that the batch
            size does not matter.
    """

    def __init__(
        self,
        channels: int,
        nodes: int = 64,
        states: int = 128,
        adjacency: Adjacency = "static",
        groups: int = 32,
    ) -> None:
        super().__init__()
        self.state = nn.Conv1d(channels, states, 1)
        self.project = nn.Conv1d(channels, nodes, 1)
        self.exchange = nn.Conv1d(nodes, nodes, 1) if adjacency == "static" else None
        self.update = nn.Conv1d(states, states, 1, bias=False)
        self.extend = nn.Conv1d(states, channels, 1, bias=False)
        self.norm = nn.GroupNorm(groups, channels, eps=1e-4)
        nn.init.zeros_(self.norm.weight)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) to the same shape."""
        rows = maps.flatten(2)  # (B, C, L)
        assignment = self.project(rows)  # (B, N, L)
        nodes = self.gather(rows, assignment)
        reasoned = self.update((nodes + self._exchange(nodes)).relu())  # (B, S, N)
        back = torch.matmul(reasoned, assignment)  # (B, S, L)
        extended: torch.Tensor = self.norm(self.extend(back))
        return maps + extended.view(maps.shape)

    def gather(self, rows: torch.Tensor, assignment: torch.Tensor) -> torch.Tensor:
        """Mean over the L positions of states times assignments: (B, S, N)."""
        states = self.state(rows)
        return torch.matmul(states, assignment.transpose(1, 2)) / rows.shape[2]

    def _exchange(self, nodes: torch.Tensor) -> torch.Tensor:
        """Messages between nodes: (B, S, N)."""
        if self.exchange is not None:
            heard: torch.Tensor = self.exchange(nodes.transpose(1, 2)).transpose(1, 2)
            return heard
        similar = torch.matmul(nodes.transpose(1, 2), nodes) / nodes.shape[1] ** 0.5
        return torch.matmul(nodes, similar.softmax(dim=2).transpose(1, 2))
