"""Leaving polygons out, cell by cell: what held-out polygons are taken for, and what follows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np


def find_rates(model, cells, folds):
    """(C, C) mean over the polygons of a class of the shares of their cells taken for a class."""
    num = cells.num_classes
    found = {k: [] for k in range(num)}
    for polygon in sorted(set(cells.polygons.tolist())):
        fold = folds[polygon]
        if fold < 0:
            continue
        rest = [n for n in range(len(cells.classes)) if folds[cells.polygons[n]] != fold]
        support = model.learn(
            replace(
                cells,
                values=cells.values[rest],
                classes=cells.classes[rest],
                polygons=cells.polygons[rest],
            )
        )
        shares = np.zeros(num)
        own = [n for n in range(len(cells.classes)) if cells.polygons[n] == polygon]
        for n in own:
            shares[model.predict_cells(cells.values[n : n + 1], support)[0].argmax()] += 1
        found[int(cells.classes[own[0]])].append(shares / len(own))
    rates = np.full((num, num), np.nan)
    for k, rows in found.items():
        if rows:
            rates[k] = np.mean(rows, axis=0)
    return rates


def simulate_ious(rates, shares, size=1_000_000):
    """(C,) intersection over union of a map of so many pixels with such confusion, counted."""
    true = np.repeat(np.arange(len(shares)), np.round(np.array(shares) * size).astype(int))
    mapped = []
    for k, share in enumerate(shares):
        count = round(share * size)
        ends = np.round(np.cumsum(rates[k]) * count).astype(int)
        mapped.append(np.searchsorted(ends, np.arange(count), side="right"))
    mapped = np.concatenate(mapped)
    return [
        float(((true == k) & (mapped == k)).sum() / ((true == k) | (mapped == k)).sum())
        for k in range(len(shares))
    ]
