"""Priors one pair of positions at a time: docs/methods/pfenet.md#prior."""

from __future__ import annotations

import numpy as np


def max_cosine_prior(query, support, shares, count_shares=False):
    """(N, C), (N_support, C) and (N_support,) to (N,)."""
    best = np.full(len(query), -np.inf)
    for i, vector in enumerate(query):
        for other, share in zip(support, shares, strict=True):
            masked = other * share
            cosine = vector @ masked
            cosine /= np.linalg.norm(vector) * np.linalg.norm(masked) + 1e-7
            best[i] = max(best[i], cosine * share if count_shares else cosine)
    return (best - best.min()) / (best.max() - best.min() + 1e-7)
