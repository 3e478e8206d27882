"""Correlation and pooling one vector at a time, in float64."""

from __future__ import annotations

import numpy as np


def region_mean(rows, regions, num_regions):
    """(N, C) and (N,) to (M, C); zeros for absent regions."""
    means = np.zeros((num_regions, rows.shape[1]))
    for region in range(num_regions):
        members = rows[regions == region]
        if len(members):
            means[region] = members.mean(axis=0)
    return means


def joined(rows, regions, num_regions):
    """Each vector followed by the mean of its region, zeros where there is none: (N, 2C)."""
    means = region_mean(rows, regions, num_regions)
    painted = np.zeros_like(rows)
    for position, region in enumerate(regions):
        if 0 <= region < num_regions:
            painted[position] = means[region]
    return np.concatenate([rows, painted], axis=1)


def clamped_cosines(query, support, weights, epsilon=1e-5):
    """max(0, cosine) of each query vector with each weighted support vector: (N_q, N_s)."""
    result = np.zeros((len(query), len(support)))
    for first, q in enumerate(query):
        for second, s in enumerate(support):
            w = weights[second] * s
            length = (np.linalg.norm(q) + epsilon) * (np.linalg.norm(w) + epsilon)
            result[first, second] = max(0.0, float(q @ w) / length)
    return result
