"""Rank and cosine priors one position at a time, in float64.

See docs/methods/icpd_net.md#visual-priors.
"""

from __future__ import annotations

import numpy as np


def ndcg(query, support, foreground):
    """(N_query,) from (N_query, C), (N_support, C) and (N_support,) bool."""
    count = int(foreground.sum())
    result = np.zeros(len(query))
    if count == 0:
        return result
    ideal = sum(1 / np.log2(rank + 1) for rank in range(1, count + 1))
    for position, vector in enumerate(query):
        distances = [float(((vector - other) ** 2).sum()) for other in support]
        order = sorted(range(len(support)), key=lambda index: distances[index])
        gain = 0.0
        for rank, index in enumerate(order[:count], start=1):
            relevance = 1 if foreground[index] else 0
            gain += (2**relevance - 1) / np.log2(rank + 1)
        result[position] = gain / ideal
    return result


def mean_cosine(query, support, shares, epsilon=1e-5):
    """As published: (N_query,) from (N_query, C), (N_support, C) and (N_support,)."""
    result = np.zeros(len(query))
    for position, vector in enumerate(query):
        unit = vector / (np.linalg.norm(vector) + epsilon)
        for other, share in zip(support, shares, strict=True):
            masked = share * other
            masked = masked / (np.linalg.norm(masked) + epsilon)
            result[position] += max(0.0, float(unit @ masked))
    return result / (shares.sum() + epsilon)


def mean_cosine_by_share(query, support, shares, epsilon=1e-5):
    """Every position counts by its share in the sum and in the divisor."""
    result = np.zeros(len(query))
    for position, vector in enumerate(query):
        for other, share in zip(support, shares, strict=True):
            length = (np.linalg.norm(vector) + epsilon) * (np.linalg.norm(other) + epsilon)
            result[position] += share * max(0.0, float(vector @ other) / length)
    return result / (shares.sum() + epsilon)
