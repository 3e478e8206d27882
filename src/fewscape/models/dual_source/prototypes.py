"""Classes as prototypes of descriptors, and scores against them.

See docs/methods/dual_source.md#description-and-classes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

FEW = 5
"""Number of shots from which a class has several prototypes."""
MAX_PARTS = 3
"""Prototypes per class at test time."""
MANY, MANY_PARTS, MANY_SHARPNESS = 20, 12, 2.0
"""For many shots, as from polygons: the number of shots, the number of prototypes, and the factor
of the temperature, which keeps a uniform class from outvoting a varied one. Chosen on synthetic
scenes."""
ROUNDS = 10


class Prototypes(NamedTuple):
    """The prototypes of the classes at test time."""

    rows: torch.Tensor
    """(M, D) of length 1."""
    owners: torch.Tensor
    """(M,) class of each."""
    num_classes: int
    """K."""

    def score(self, descriptors: torch.Tensor, temperature: float) -> torch.Tensor:
        """Logits (P, K) of descriptors (P, D), see ``score_classes``."""
        if len(self.rows) > MAX_PARTS * self.num_classes:
            temperature /= MANY_SHARPNESS
        return score_classes(descriptors, self.rows, self.owners, self.num_classes, temperature)


def learn_prototypes(descriptors: torch.Tensor, classes: torch.Tensor) -> Prototypes:
    """Learn one prototype per class, or several from five shots on.

    Args:
        descriptors: (S, D) unit vectors of the supports.
        classes: (S,) numbers below K; every class occurs.
    """
    count = int(classes.max()) + 1
    if len(classes) >= FEW * count:
        return Prototypes(*make_part_prototypes(descriptors, classes, count), count)
    single = make_prototypes(descriptors, classes, count)
    return Prototypes(single, torch.arange(count, device=classes.device), count)


def make_prototypes(descriptors: torch.Tensor, classes: torch.Tensor, count: int) -> torch.Tensor:
    """One prototype per class: normalised means (K, D) of unit descriptors (S, D).

    Args:
        descriptors: descriptors of the supports.
        classes: (S,) numbers below K; every class occurs.
        count: K.
    """
    sums = descriptors.new_zeros(count, descriptors.shape[1]).index_add(0, classes, descriptors)
    return F.normalize(sums, dim=1)


def make_part_prototypes(
    descriptors: torch.Tensor, classes: torch.Tensor, count: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Several prototypes per class, by spherical k-means.

    Args:
        descriptors: (S, D) of length 1.
        classes: (S,).
        count: K.

    Returns:
        (M, D) prototypes and the class (M,) of each: ``min(shots, 3)`` of a class, 12 from 20
        shots on.
    """
    parts, owners = [], []
    for number in range(count):
        own = descriptors[classes == number]
        most = MANY_PARTS if len(own) >= MANY else MAX_PARTS
        parts.append(_cluster(own, min(len(own), most)))
        owners.append(torch.full((len(parts[-1]),), number, device=classes.device))
    return torch.cat(parts), torch.cat(owners)


def score_classes(
    descriptors: torch.Tensor,
    prototypes: torch.Tensor,
    owners: torch.Tensor,
    count: int,
    temperature: float,
) -> torch.Tensor:
    """Logits (P, K): log of the mean of exp(cosine / temperature) over a class's prototypes.

    Examples:
        >>> rows = torch.eye(2)
        >>> score_classes(rows, rows, torch.arange(2), 2, 0.5).tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """
    logits = torch.matmul(descriptors, prototypes.t()) / temperature
    own = F.one_hot(owners, count).bool()  # (M, K)
    each = logits[:, :, None].masked_fill(~own, -torch.inf).logsumexp(dim=1)
    return each - own.sum(dim=0).log()


def _cluster(rows: torch.Tensor, count: int) -> torch.Tensor:
    """Centres of length 1; begins with the medoid, then the farthest."""
    similar = torch.matmul(rows, rows.t())
    chosen = [int(similar.sum(dim=1).argmax())]
    while len(chosen) < count:
        chosen.append(int(similar[:, chosen].amax(dim=1).argmin()))
    centres = rows[chosen]
    for _ in range(ROUNDS):
        nearest = torch.matmul(rows, centres.t()).argmax(dim=1)
        sums = torch.zeros_like(centres).index_add(0, nearest, rows)
        is_empty = sums.norm(dim=1, keepdim=True) == 0
        centres = torch.where(is_empty, centres, F.normalize(sums, dim=1))
    return centres
